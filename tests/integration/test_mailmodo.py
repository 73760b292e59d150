"""Mailmodo beside Segment, from the warehouse to what each of them believes: the same truth, each by itself."""

import time
from collections.abc import Callable, Iterator

import pytest

from syncer import app, checking, errors, opening, sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from syncer.receivers.mailmodo import MailmodoReceiver, ReceivedCall
from tests.world import Row, World, truth

pytestmark = pytest.mark.usefixtures("unguarded")

KEY = "AAAAAAA-BBBBBBB"
LIST = "Audiences"
VIP, NEW, CHURN = "VIP Buyers", "New Customers", "Churn Risk"


@pytest.fixture
def mailmodo() -> Iterator[MailmodoReceiver]:
    with MailmodoReceiver(KEY, lists=[LIST]) as mailmodo:
        yield mailmodo
        assert mailmodo.violations == []
        assert mailmodo.http.most_in_progress <= 1


def with_mailmodo(world: World, mailmodo: MailmodoReceiver, *lines: str, key: str = KEY, list_name: str = LIST) -> None:
    mine = [
        '[[destinations]]\nname = "mailmodo"\ntype = "mailmodo"',
        f'api_key = "{key}"\nlist_name = "{list_name}"\nendpoint = "{mailmodo.url}"',
        "max_requests_per_second = 0",
    ]
    world.destination_extra = "\n".join(["max_events_per_second = 0", *mine, *lines])


@pytest.fixture
def both(world: World, mailmodo: MailmodoReceiver) -> World:
    """Two destinations that are told the same."""
    with_mailmodo(world, mailmodo)
    return world


def members(count: int, *audiences: str) -> list[Row]:
    return [(audience, f"u{n:04d}", f"u{n:04d}@x.io") for n in range(count) for audience in audiences or (VIP,)]


def believed(mailmodo: MailmodoReceiver) -> set[tuple[str, str]]:
    return {
        (email, name) for email, values in mailmodo.belief.items() for name, value in values.items() if value is True
    }


def statuses(result: sync.Result) -> dict[str, str]:
    return {each.name: each.status for each in result.report.destinations}


def always(fault: Fault) -> Callable[[ReceivedCall], Fault | None]:
    return lambda call: fault if call.contacts else None


def test_both_believe_the_warehouse_as_it_changes(both: World, mailmodo: MailmodoReceiver) -> None:
    shared: list[Row] = [(VIP, "a", " Shared@X.io "), (VIP, "b", "shared@x.io"), (CHURN, "b", "SHARED@x.io")]
    days: list[list[Row]] = [
        [*members(230, VIP, NEW), *shared],
        [*members(180, VIP), *members(250, CHURN), *shared[1:]],
        [(VIP, f"u{n:04d}", f"moved{n:04d}@x.io") for n in range(150)],
        [],
        members(120, VIP, NEW, CHURN),
    ]
    for rows in days:
        both.warehouse.replace(rows)
        assert sync.exit_code(both.sync()) == 0
        assert both.believed() == believed(mailmodo) == truth(rows)
        assert both.verify().differences == 0
    told = mailmodo.told
    assert sync.exit_code(both.sync()) == 0
    assert mailmodo.told == told
    assert mailmodo.types["vip_buyers"] is bool


def test_an_initial_sync_travels_in_hundreds(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.replace(members(1234, VIP, NEW))
    report = both.sync().report
    assert [record.events for record in mailmodo.requests] == [0, *[100] * 12, 34]
    [mine] = [each for each in report.destinations if each.name == "mailmodo"]
    assert (mine.planned, mine.succeeded, mine.requests, mine.retries) == (1234, 1234, 13, 0)
    assert mailmodo.lists[LIST].started == []


def test_contacts_of_more_than_one_part_come_whole(both: World, mailmodo: MailmodoReceiver) -> None:
    audiences = [f"Audience {n}" for n in range(300)]
    rows = members(3, *audiences)
    both.warehouse.replace(rows)
    assert sync.exit_code(both.sync()) == 0
    assert both.believed() == believed(mailmodo) == truth(rows)
    assert [record.events for record in mailmodo.requests] == [0, 3, 3]


def test_one_by_one_starts_the_journeys_of_the_list(world: World, mailmodo: MailmodoReceiver) -> None:
    with_mailmodo(world, mailmodo, 'mode = "single"')
    world.warehouse.replace(members(12))
    world.sync()
    world.warehouse.replace(members(14)[3:])
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == believed(mailmodo) == truth(members(14)[3:])
    assert mailmodo.lists[LIST].started == [f"u{n:04d}@x.io" for n in range(14)]


def test_while_mailmodo_is_down_segment_is_told_and_later_both_are(both: World, mailmodo: MailmodoReceiver) -> None:
    """One fault after the other. Thirty leave, and come back before Mailmodo was told anything for certain."""
    for fault in (
        Answer(503),
        Answer(503, apply=EVERYTHING),
        Reset(apply=EVERYTHING),
        Answer(500, apply=7),
        Answer(429),
    ):
        both.warehouse.replace(members(150, VIP, NEW))
        assert sync.exit_code(both.sync()) == 0, fault
        mailmodo.script = always(fault)
        for count in (120, 150):
            both.warehouse.replace(members(count, VIP))
            broken = both.sync()
            assert sync.exit_code(broken) == 6, fault
            assert statuses(broken) == {"segment": Status.SUCCEEDED, "mailmodo": Status.FAILED}, fault
            assert both.believed() == truth(members(count, VIP)), fault

        mailmodo.script = None
        assert sync.exit_code(both.sync()) == 0, fault
        assert both.believed() == believed(mailmodo) == truth(members(150, VIP)), fault
    assert both.verify().differences == 0


def test_while_segment_is_down_mailmodo_is_told_and_later_both_are(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.replace(members(150))
    both.receiver.script = lambda _: Answer(503, apply=EVERYTHING)
    broken = both.sync()
    assert sync.exit_code(broken) == 6
    assert statuses(broken)["mailmodo"] == Status.SUCCEEDED
    assert believed(mailmodo) == truth(members(150))

    both.receiver.script = None
    both.warehouse.replace(members(100))
    assert sync.exit_code(both.sync()) == 0
    assert both.believed() == believed(mailmodo) == truth(members(100))


def test_a_refused_contact_is_listed_in_its_words_and_told_once_it_is_taken(
    both: World, mailmodo: MailmodoReceiver
) -> None:
    mailmodo.refuses["u0003@x.io"] = "this address is on fire"
    both.warehouse.replace(members(250))
    result = both.sync()
    assert sync.exit_code(result) == 8
    assert statuses(result) == {"segment": Status.SUCCEEDED, "mailmodo": Status.INCOMPLETE}
    [(contact, reason)] = both.query("SELECT contact, failure_reason FROM sync_changelog WHERE status = 'failed'")
    assert (contact, reason) == ("u0003@x.io", "this address is on fire")
    assert believed(mailmodo) == truth(members(250)) - {("u0003@x.io", "vip_buyers")}

    mailmodo.refuses.clear()
    assert sync.exit_code(both.sync()) == 0
    assert believed(mailmodo) == truth(members(250))


def test_an_answer_that_names_somebody_else_makes_nobody_accepted(both: World, mailmodo: MailmodoReceiver) -> None:
    body = b'{"message":"Some contacts were not added","errors":[{"email":"who@else.io","failure reason":"no"}]}'
    both.warehouse.replace(members(5))
    mailmodo.script = always(Answer(207, body=body, apply=3))
    assert sync.exit_code(both.sync()) == 6

    mailmodo.script = None
    both.warehouse.replace([])
    assert sync.exit_code(both.sync()) == 0
    assert believed(mailmodo) == set()
    assert {values["vip_buyers"] for values in mailmodo.belief.values()} == {False}


def test_a_slip_in_the_list_makes_no_list_and_stops_only_mailmodo(world: World, mailmodo: MailmodoReceiver) -> None:
    with_mailmodo(world, mailmodo, list_name="Audienses")
    world.warehouse.replace(members(5))
    result = world.sync()
    assert sync.exit_code(result) == 7
    assert statuses(result) == {"segment": Status.SUCCEEDED, "mailmodo": Status.FAILED}
    [failure] = result.failures
    assert isinstance(failure, errors.DestinationStoppedError)
    assert 'has no list "Audienses"; did you mean "Audiences"?' in str(failure)
    assert (set(mailmodo.lists), mailmodo.belief) == ({LIST}, {})
    with app.opened(opening.load(world.config, {})) as opened:
        problems = {problem.path: problem.message for problem in checking.problems(opened)}
    assert problems.keys() == {"destinations[1]"}
    assert "did you mean" in problems["destinations[1]"]


def test_another_list_is_another_account(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.replace(members(1))
    both.sync()
    with_mailmodo(both, mailmodo, "create_list = true", list_name="Others")
    both.warehouse.replace(members(2))
    result = both.sync()
    assert sync.exit_code(result) == 2
    assert "its list was Audiences and is Others" in str(result.failures[0])
    assert set(mailmodo.lists) == {LIST}
    assert believed(mailmodo) == truth(members(1))


def test_a_new_list_is_created_where_that_is_wanted(world: World, mailmodo: MailmodoReceiver) -> None:
    with_mailmodo(world, mailmodo, "create_list = true", list_name="Brand new")
    world.warehouse.replace(members(2))
    assert sync.exit_code(world.sync()) == 0
    assert mailmodo.lists["Brand new"].emails == {"u0000@x.io", "u0001@x.io"}


def test_nothing_to_tell_is_no_call(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.replace([])
    assert sync.exit_code(both.sync()) == 0
    assert mailmodo.requests == []


def test_the_commands_check_and_stop_for_a_wrong_key(world: World) -> None:
    """With a receiver of its own: what it notes about the key is what is wanted here."""
    with MailmodoReceiver(KEY) as mailmodo:
        with_mailmodo(world, mailmodo, key="EEEEEEE-FFFFFFF")
        world.warehouse.replace(members(3))
        checked = world.command("check")
        synced = world.command("sync")
        with_mailmodo(world, mailmodo)
        rotated = world.command("sync")
    for done in (checked, synced):
        assert "check api_key" in done.stderr
        assert "EEEEEEE" not in done.stdout + done.stderr
    assert (checked.returncode, synced.returncode) == (2, 7)
    assert rotated.returncode == 0, rotated.stderr
    assert "the key of a destination is another one" in rotated.stderr
    assert believed(mailmodo) == truth(members(3))


# --- traits and events ---------------------------------------------------------------------------------------


def test_traits_become_its_own_fields(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.run(
        "ALTER TABLE members ADD COLUMN first_name text, ADD COLUMN job text, ADD COLUMN signup timestamp"
    )
    both.warehouse.run(
        "INSERT INTO members VALUES (%s, 'u1', 'a@x.io', 'Ada', 'Countess', '2026-02-01 10:00'), "
        "(%s, 'u2', 'b@x.io', NULL, NULL, NULL)",
        [VIP, VIP],
    )
    both.extra = 'traits = { first_name = "firstName", job = "title", signup = "createdAt" }'
    both.receiver.allowed_traits = frozenset({"firstName", "title", "createdAt"})

    assert sync.exit_code(both.sync()) == 0

    assert mailmodo.belief["a@x.io"] == {"vip_buyers": True, "first_name": "Ada", "designation": "Countess"}
    assert mailmodo.belief["b@x.io"] == {"vip_buyers": True}
    assert both.receiver.belief["a@x.io"]["createdAt"].startswith("2026-02-01T10:00:00")  # type: ignore[attr-defined]


def test_computed_traits_are_told_to_both(both: World, mailmodo: MailmodoReceiver) -> None:
    both.warehouse.replace(members(2))
    both.warehouse.run("CREATE TABLE ltv AS SELECT user_id, email, 1.50 AS value FROM members")
    both.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'

    assert sync.exit_code(both.sync()) == 0
    both.warehouse.run("UPDATE ltv SET value = 2 WHERE user_id = 'u0001'")
    assert sync.exit_code(both.sync()) == 0

    for belief in (mailmodo.belief, both.receiver.belief):
        assert belief["u0000@x.io"] == {"vip_buyers": True, "lifetime_value": 1.5}
        assert belief["u0001@x.io"] == {"vip_buyers": True, "lifetime_value": 2}


@pytest.fixture
def telling(world: World, mailmodo: MailmodoReceiver) -> World:
    with_mailmodo(world, mailmodo, "track = true")
    world.warehouse.replace(members(1))
    world.sync()
    return world


def test_an_event_goes_with_its_time_in_seconds(telling: World, mailmodo: MailmodoReceiver) -> None:
    telling.warehouse.replace(members(2))

    assert sync.exit_code(telling.sync()) == 0

    [event] = mailmodo.events
    assert event["email"] == "u0001@x.io"
    assert event["event_name"] == "Audience Entered"
    assert event["event_properties"] == {"audience_key": "vip_buyers", "vip_buyers": True}
    assert abs(event["ts"] - time.time()) < 60
    assert telling.query("SELECT count(*) FROM owed_event") == [(0,)]


def test_an_event_in_doubt_is_not_sent_again(telling: World, mailmodo: MailmodoReceiver) -> None:
    telling.warehouse.replace(members(3))
    mailmodo.script = lambda call: Reset(apply=EVERYTHING) if call.path.endswith("/addEvent") else None

    assert sync.exit_code(telling.sync()) == 6
    mailmodo.script = None
    assert sync.exit_code(telling.sync()) == 0

    assert sorted(event["email"] for event in mailmodo.events) == ["u0001@x.io", "u0002@x.io"]
    assert telling.query("SELECT count(*) FROM owed_event") == [(0,)]
