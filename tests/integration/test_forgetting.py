"""Forgetting people (rule 27): nothing names them any more, everything still adds up, and nothing is sent for them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from syncer import app, audit, errors, opening, sync
from syncer.receivers.loopback import Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.state import forgetting
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.forgetting import dump, forget, told
from tests.world import CHURN, VIP, Quiet, Row, World, truth

pytestmark = pytest.mark.usefixtures("unguarded")

ADA: list[Row] = [(VIP, "Ada-7", "Ada@Example.com"), (CHURN, "Ada-7", "ada@example.com")]
BOB: list[Row] = [(VIP, "bob", "bob@x.io")]
ADDRESS = "ada@example.com"


def differences(world: World) -> int:
    with app.opened(opening.load(world.config, {})) as opened:
        return audit.verify(opened.job(), Stop(), Quiet(), 10).differences


def counts(world: World) -> dict[str, list[Any]]:
    """What has to add up to the same before and after."""
    return {
        "state": world.query("SELECT audience_id, count(*), count(DISTINCT contact) FROM synced_member GROUP BY 1"),
        "false": world.query("SELECT audience_id, count(*) FROM told_false GROUP BY 1"),
        "changes": world.query(
            "SELECT run_id, op, status, count(*) FROM sync_changelog GROUP BY 1, 2, 3 ORDER BY 1, 2"
        ),
        "members": world.query(
            "SELECT audience, entered_run_id, exited_run_id, count(*) FROM audience_membership_history"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        "exceptions": world.query("SELECT run_id, outcome::text, count(*) FROM sync_exception GROUP BY 1, 2"),
    }


def refusing(*contacts: str, words: str) -> Callable[[ReceivedRequest], Fault | None]:
    """400 with these words to every request that holds one of these contacts."""

    def answer(request: ReceivedRequest) -> Fault | None:
        held = {event["traits"]["email"] for event in request.events}
        return Answer(400, body=f'{{"message":"{words}"}}'.encode()) if held.intersection(contacts) else None

    return answer


@pytest.mark.parametrize("who", ["Ada-7", "ada@example.com", " ADA@Example.COM\t"])
def test_nothing_names_the_person_any_more_and_everything_adds_up(world: World, who: str) -> None:
    other: Row = (VIP, "eve", "eve@x.io")
    world.warehouse.replace([*ADA, *BOB])
    world.sync()
    world.warehouse.replace([ADA[0], *BOB])
    world.sync()
    # A new audience of hers is refused in words that name her; another contact's refusal names her too.
    world.warehouse.replace([ADA[0], ("New", "Ada-7", "ada@example.com"), *BOB, other])
    world.receiver.script = refusing(ADDRESS, "eve@x.io", words="user ADA@Example.com (id=ada-7) is bad")
    world.sync()
    # Of another, the answer is lost. One row of hers cannot be sent.
    world.receiver.script = lambda request: Reset(apply=0)
    world.warehouse.replace(
        [ADA[0], ("New", "Ada-7", ADDRESS), ("Other", "Ada-7", ADDRESS), (VIP, "Ada-7", "x"), ("", "z", ADDRESS), *BOB]
    )
    world.sync()
    world.receiver.script = None
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        connection.execute(
            "INSERT INTO operator_action (actor, uid, database_user, action, arguments)"
            " VALUES ('me', 1, 'me', 'retry', %s)",
            [Jsonb({"who": ["bob", "ADA@example.com", "Ada-7"], "contacts": 1, "said": "Ada-7", "none": []})],
        )
        connection.execute("UPDATE run SET error = 'refused ''ada@EXAMPLE.com''' WHERE run_id = 1")
        connection.execute("UPDATE run_destination SET error = 'user Ada-7' WHERE run_id = 2")
        connection.execute(
            "INSERT INTO held_change SELECT 1, 1, %s, 'Ada-7', NULL, 'added', 'many', now(), 1", [ADDRESS]
        )
    assert world.query("SELECT contact FROM unanswered_contact WHERE contact = %s", [ADDRESS])
    assert ADDRESS in dump(world)
    assert told(world, who) == {"segment": [ADDRESS]}
    before = counts(world)
    with_reason = world.query("SELECT count(*) FROM sync_exception WHERE reason LIKE '%%is bad%%'")
    assert with_reason[0][0] >= 2

    forget(world, who)

    assert counts(world) == before
    found = dump(world)
    assert ADDRESS not in found
    assert "ada-7" not in found
    assert world.query("SELECT count(DISTINCT contact) FROM sync_changelog WHERE is_token(contact)") == [(1,)]
    assert world.query("SELECT DISTINCT is_token(user_id) FROM sync_changelog WHERE is_token(contact)") == [(True,)]
    assert world.query("SELECT reason FROM sync_exception WHERE contact = 'eve@x.io'") == [(forgetting.REPLACEMENT,)]
    ((arguments,),) = world.query("SELECT arguments FROM operator_action")
    assert arguments["who"][0] == "bob"
    assert (arguments["contacts"], arguments["none"]) == (1, [])
    assert arguments["who"][2] == arguments["said"]
    assert told(world, who) == {}
    assert differences(world) == 0


@pytest.mark.parametrize(
    ("user", "email", "said"),
    [
        ("u1", "ada+x@example.com", "Cannot PUT /people/ada%2Bx%40example.com"),
        ("u1", "ada@example.com", "Cannot PUT /?email=ADA%40Example.com&x"),
        ("auth0|Ädä 7", "a@x.io", "no /users/auth0%7C%C3%84d%C3%A4%207/tags"),
    ],
)
def test_a_name_that_a_receiver_repeats_out_of_a_path_goes_too(world: World, user: str, email: str, said: str) -> None:
    world.warehouse.replace([(VIP, user, email), (VIP, "eve", "eve@x.io")])
    world.receiver.script = refusing("eve@x.io", words=said)
    world.sync()
    assert world.query("SELECT reason FROM sync_exception WHERE reason LIKE %s", [f"%{said}%"]) != []

    forget(world, email)

    assert world.query("SELECT DISTINCT reason FROM sync_exception") == [(forgetting.REPLACEMENT,)]


@pytest.mark.parametrize("still_there", [True, False])
def test_nothing_is_sent_for_the_person(world: World, still_there: bool) -> None:
    world.warehouse.replace([*ADA, *BOB])
    world.sync()
    members = world.query("SELECT count(*) FROM synced_member")
    forget(world, "Ada-7")
    events = world.receiver.event_count

    world.warehouse.replace([*ADA, *BOB] if still_there else BOB)
    for _ in range(2):
        result = world.sync()
        assert (result.report.status, result.report.destinations[0].planned) == ("succeeded", 0)
        assert result.report.destinations[0].skipped == ({"forgotten": 2} if still_there else {})
    assert world.receiver.event_count == events
    assert world.query("SELECT count(*) FROM synced_member") == members
    assert differences(world) == 0
    assert ADDRESS not in dump(world)
    assert "ada-7" not in dump(world)
    assert world.query("SELECT count(*) > 0 FROM forgotten") == [(still_there,)]
    # A full resync tells everybody else.
    assert {event["traits"]["email"] for event in resync(world)} == {"bob@x.io"}


def resync(world: World) -> list[Any]:
    """What a full resync tells."""
    events = world.receiver.event_count
    with app.opened(opening.load(world.config, {})) as opened:
        sync.sync(opened.job(), RunStart("resync"), Stop(), Quiet())
    return [received.event for received in world.receiver.events[events:]]


def test_forgetting_twice_is_harmless(world: World) -> None:
    world.warehouse.replace([*ADA, *BOB])
    world.sync()
    first = forget(world, "Ada-7")
    assert first["forget_in_members"] == 2
    before = dump(world)

    second = forget(world, "Ada-7", ADDRESS)

    assert set(second.values()) == {0}
    assert dump(world) == before
    world.sync()
    assert told(world, "bob") == {"segment": ["bob@x.io"]}


def test_who_comes_back_after_a_snapshot_without_them_is_somebody_new(world: World) -> None:
    world.warehouse.replace([*ADA, *BOB])
    world.sync()
    forget(world, ADDRESS)
    world.warehouse.replace(BOB)
    world.sync()
    events = world.receiver.event_count

    world.warehouse.replace([*ADA, *BOB])
    assert world.sync().report.destinations[0].succeeded == 1

    assert [event.event["userId"] for event in world.receiver.events[events:]] == ["Ada-7"]
    assert world.believed() == truth([*ADA, *BOB])
    assert world.query("SELECT count(*) FROM synced_member") == [(5,)]
    assert differences(world) == 0
    assert forget(world, ADDRESS)["forget_in_members"] == 2
    assert world.query("SELECT count(DISTINCT contact) FROM synced_member") == [(3,)]
    assert differences(world) == 0


@pytest.mark.parametrize("who", ["Ada-7", "ADA@example.com"])
def test_somebody_is_forgotten_ahead_of_the_first_sync(world: World, who: str) -> None:
    forget(world, who)
    world.warehouse.replace([*ADA, *BOB])

    result = world.sync()

    assert result.report.destinations[0].skipped == {"forgotten": 2}
    assert set(world.receiver.belief) == {"bob@x.io"}
    assert ADDRESS not in dump(world)


def test_user_ids_that_differ_in_case_are_different_people(world: World) -> None:
    rows: list[Row] = [(VIP, "U1", "one@x.io"), (VIP, "u1", "two@x.io")]
    world.warehouse.replace(rows)
    world.sync()

    forget(world, "U1")

    assert world.query("SELECT contact FROM synced_member WHERE NOT is_token(contact)") == [("two@x.io",)]
    assert world.sync().report.destinations[0].skipped == {"forgotten": 1}


def test_whoever_shares_the_contact_keeps_the_user_id_and_other_contacts(world: World) -> None:
    rows: list[Row] = [(VIP, "u1", "shared@x.io"), (VIP, "u2", "shared@x.io"), (VIP, "u2", "two@x.io")]
    world.warehouse.replace(rows)
    world.sync()

    forget(world, "u1")

    known = world.query("SELECT is_token(contact), is_token(user_id), user_id FROM synced_member")
    assert sorted(row[:2] for row in known) == [(False, False), (True, False), (True, True)]
    assert {user for _, token, user in known if not token} == {"u2"}
    assert world.sync().report.destinations[0].skipped == {"forgotten": 1}  # nobody can tell them apart
    # The other contact leaves: its false is followed by nothing, for the present contact of u2 is forgotten.
    events = world.receiver.event_count
    world.warehouse.replace([])
    world.sync()
    calls = [
        (received.event["traits"]["email"], received.event["userId"]) for received in world.receiver.events[events:]
    ]
    assert calls == [("two@x.io", "u2")]
    assert differences(world) == 0


def test_a_forgotten_contact_is_no_place_where_its_other_user_went(world: World) -> None:
    """u2's only address becomes unusable: that is no exit, although the state has a forgotten row of u2."""
    world.warehouse.replace([(VIP, "u1", "shared@x.io"), (VIP, "u2", "shared@x.io"), (VIP, "u2", "two@x.io")])
    world.sync()
    forget(world, "u1")
    events = world.receiver.event_count

    world.warehouse.replace([(VIP, "u2", "not an address")])
    world.sync()

    assert world.receiver.event_count == events
    assert ("two@x.io", "vip_buyers") in world.believed()


def test_by_email_all_of_its_users_go_with_their_other_contacts(world: World) -> None:
    """One step each: who shares only such another contact stays."""
    world.warehouse.replace(
        [(VIP, "u1", "a@x.io"), (CHURN, "u1", "b@x.io"), (CHURN, "u2", "b@x.io"), (CHURN, "u2", "c@x.io")]
    )
    world.sync()
    world.warehouse.replace([(CHURN, "u2", "c@x.io")])
    world.sync()

    assert told(world, "A@x.io") == {"segment": ["a@x.io", "b@x.io"]}
    forget(world, "A@x.io")

    assert world.query("SELECT DISTINCT contact FROM sync_changelog WHERE NOT is_token(contact)") == [("c@x.io",)]
    assert world.query("SELECT DISTINCT user_id FROM sync_changelog WHERE NOT is_token(user_id)") == [("u2",)]


def test_thousands_are_forgotten_at_once(world: World) -> None:
    rows: list[Row] = [(VIP, f"u{number}", f"u{number}@x.io") for number in range(5000)]
    world.warehouse.replace(rows)
    world.sync()

    touched = forget(world, *[f"u{number}@x.io" for number in range(4000)])

    assert touched["forget_in_members"] == touched["forget_in_changes"] == 4000
    assert world.query("SELECT count(DISTINCT contact), count(DISTINCT user_id) FROM synced_member") == [(5000, 5000)]
    assert world.sync().report.destinations[0].skipped == {"forgotten": 4000}


def test_who_was_only_planned_was_told_nothing(world: World) -> None:
    world.warehouse.replace(ADA)
    world.receiver.script = lambda request: Answer(429)
    world.sync()

    assert told(world, "Ada-7") == {}
    forget(world, "Ada-7")
    assert ADDRESS not in dump(world)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800", "", " \t"])
def test_names_that_nobody_can_have_are_refused(world: World, name: str) -> None:
    for act in (told, forget):
        with pytest.raises(errors.ConfigError, match="WHO: "):
            act(world, "bob", name)
    assert world.query("SELECT * FROM forgotten") == []


@pytest.mark.parametrize("user", ["forgotten password", "forgotten ", "forgotten 0123456789abcdef"])
@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_a_text_that_begins_like_a_token_is_data(world: World, user: str, identity: str) -> None:
    world.destination_extra += f'\nidentity = "{identity}"'
    world.warehouse.replace([(VIP, user, "a@x.io"), *BOB])
    world.sync()
    assert world.receiver.belief_by_user[user] == {"vip_buyers": True}
    world.warehouse.replace(BOB)

    world.sync()

    assert world.receiver.belief_by_user[user] == {"vip_buyers": False}
    assert world.verify().differences == 0


@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_a_token_never_comes_from_the_warehouse(world: World, identity: str) -> None:
    world.destination_extra += f'\nidentity = "{identity}"'
    world.warehouse.replace([*ADA, *BOB])
    world.sync()
    forget(world, "Ada-7")
    tokens = [user for (user,) in world.query("SELECT DISTINCT user_id FROM synced_member") if user != "bob"]
    token = tokens[0]
    world.warehouse.replace([(VIP, token, "b@x.io"), *BOB])

    report = world.sync().report.destinations[0]

    assert (report.planned, report.skipped) == (0, {"unsendable_text": 1})
    assert world.verify().differences == 0


def test_what_is_uncertain_about_somebody_who_is_forgotten_ends(world: World) -> None:
    world.warehouse.replace(BOB)
    world.sync()
    world.warehouse.replace([*ADA, *BOB])
    world.receiver.script = lambda request: Reset(apply=0)
    world.sync()
    world.receiver.script = None
    assert world.in_doubt() == {ADDRESS}

    forget(world, ADDRESS)

    assert world.in_doubt() == set()
    assert world.json("status")["destinations"][0]["uncertain"] == 0
    world.sync()
    assert world.json("status")["destinations"][0]["oldest_pending_seconds"] is None
    assert ADDRESS not in dump(world)
    assert world.verify().differences == 0
