"""Contacts that are user ids, traits that go along, computed traits (rules 12, 13, 28, 29)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Reset
from tests.world import CHURN, VIP, Row, World

pytestmark = pytest.mark.usefixtures("unguarded")

BY_USER = 'max_events_per_second = 0\nidentity = "user_id"'


def calls(world: World, since: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """(user id, traits) of every identify call, in order of arrival."""
    return [
        (received.event["userId"], dict(received.event["traits"]))
        for received in world.receiver.events[since:]
        if received.event["type"] == "identify"
    ]


def after(world: World, *snapshots: list[Row]) -> list[tuple[str, dict[str, Any]]]:
    """Syncs the snapshots one after the other and returns the calls of the last."""
    for snapshot in snapshots:
        since = len(world.receiver.events)
        world.warehouse.replace(snapshot)
        result = world.sync()
        assert result.report.status == "succeeded", result
    found = calls(world, since)
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0
    return found


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        pytest.param([], [(VIP, "u1", "A@x.io")], [("u1", {"email": "a@x.io", "vip_buyers": True})], id="enters"),
        pytest.param(
            [(VIP, "u1", "a@x.io")], [], [("u1", {"email": "a@x.io", "vip_buyers": False})], id="leaves with its email"
        ),
        pytest.param(
            [(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io")],
            [(VIP, "u1", "b@x.io"), (CHURN, "u1", "b@x.io")],
            [("u1", {"email": "b@x.io", "vip_buyers": True, "churn_risk": True})],
            id="another email is a change",
        ),
        pytest.param([(VIP, "u1", "a@x.io")], [(VIP, "u1", " A@x.io")], [], id="the same email written differently"),
        pytest.param(
            [(VIP, "u1", "a@x.io")],
            [(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")],
            [("u2", {"email": "a@x.io", "vip_buyers": True})],
            id="two users with one email are two contacts",
        ),
        pytest.param(
            [(VIP, "u1", "a@x.io")],
            [(VIP, "u2", "a@x.io")],
            [
                ("u1", {"email": "a@x.io", "vip_buyers": False}),
                ("u2", {"email": "a@x.io", "vip_buyers": True}),
            ],
            id="an email goes to another user",
        ),
        pytest.param(
            [(VIP, "u1", "b@x.io"), (CHURN, "u1", "b@x.io")],
            [(VIP, "u1", "b@x.io")],
            [("u1", {"email": "b@x.io", "churn_risk": False})],
            id="leaves one of two",
        ),
        pytest.param(
            [(VIP, "u1", "a@x.io")],
            [(CHURN, "u1", "b@x.io")],
            [("u1", {"email": "b@x.io", "vip_buyers": False, "churn_risk": True})],
            id="another email with another audience",
        ),
        pytest.param([(VIP, "u1", "a@x.io")], [(VIP, "u1", None)], [], id="the email disappears: no exit"),
    ],
)
def test_a_contact_that_is_a_user(
    world: World, first: list[Row], second: list[Row], told: list[tuple[str, dict[str, Any]]]
) -> None:
    world.destination_extra = BY_USER

    found = after(world, first, second)

    assert found == told


@pytest.mark.parametrize(("email", "reason"), [(None, "no_email"), (" ", "no_email"), ("a at x.io", "invalid_email")])
def test_a_user_whose_address_goes_wrong_stays_and_is_listed(world: World, email: str | None, reason: str) -> None:
    world.destination_extra = BY_USER
    after(world, [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])

    assert after(world, [(VIP, "u1", email), (VIP, "u2", "b@x.io")]) == []

    assert world.query("SELECT audience, user_id, email, reason FROM skipped_members") == [(VIP, "u1", email, reason)]
    assert world.sync().report.destinations[0].skipped == {reason: 1}
    since = len(world.receiver.events)
    world.resync()
    assert [user for user, _ in calls(world, since)] == ["u2"]
    assert world.sync().report.destinations[0].planned == 0
    assert world.query("SELECT count(*) FROM resync") == [(0,)]
    assert after(world, [(VIP, "u2", "b@x.io")]) == [("u1", {"email": "a@x.io", "vip_buyers": False})]


def test_a_changed_email_is_in_the_history(world: World) -> None:
    world.destination_extra = BY_USER

    after(world, [(VIP, "u1", "a@x.io")], [(VIP, "u1", "b@x.io")])

    assert world.query("SELECT op, contact, user_id, email, value, status FROM sync_changelog ORDER BY run_id") == [
        ("added", "u1", "u1", "a@x.io", True, "succeeded"),
        ("trait_changed", "u1", "u1", "b@x.io", True, "succeeded"),
    ]
    assert world.query("SELECT contact, email, exited_at FROM audience_membership_history") == [("u1", "b@x.io", None)]


def test_rows_that_disagree_about_an_email_are_listed(world: World) -> None:
    world.destination_extra = BY_USER

    found = after(world, [(VIP, "u1", "b@x.io"), (CHURN, "u1", "a@x.io")])

    assert found == [("u1", {"email": "a@x.io", "vip_buyers": True, "churn_risk": True})]
    assert world.query("SELECT audience, user_id, email, reason FROM skipped_members") == [
        (VIP, "u1", "b@x.io", "conflicting_values")
    ]


def test_a_person_is_explained_and_forgotten_by_either_name(world: World) -> None:
    world.destination_extra = BY_USER
    after(world, [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])

    for who in ("u1", "A@x.io"):
        story = world.explain(who)
        assert [each["contact"] for each in story.destinations[0]["told"]] == ["u1"], who
        assert [row["user_id"] for row in story.warehouse] == ["u1"]

    done = world.command("forget", "a@x.io", "--yes", "--json")

    assert done.returncode == 0, done.stderr
    assert '"u1"' in done.stdout
    dump = str(world.query("SELECT * FROM synced_member")) + str(world.query("SELECT * FROM synced_profile"))
    assert "u1" not in dump
    assert "a@x.io" not in dump
    assert world.sync().report.destinations[0].skipped == {"forgotten": 1}


# --- traits that go along -----------------------------------------------------------------------------------


def with_traits(world: World, *, trigger: bool) -> None:
    world.warehouse.run("ALTER TABLE members ADD COLUMN first_name text, ADD COLUMN years numeric")
    world.extra = 'traits = { first_name = "firstName", years = "age" }'
    world.destination_extra = f"max_events_per_second = 0\ntraits_trigger = {str(trigger).lower()}"
    world.receiver.allowed_traits = frozenset({"firstName", "age"})


def put(world: World, *rows: tuple[str, str, str, str | None, object]) -> None:
    world.warehouse.run("TRUNCATE members")
    for row in rows:
        world.warehouse.run("INSERT INTO members VALUES (%s, %s, %s, %s, %s)", list(row))


def test_traits_go_along_and_are_never_null(any_world: World) -> None:
    with_traits(any_world, trigger=False)
    put(any_world, (VIP, "u1", "a@x.io", "Ada", "36.0"), (VIP, "u2", "b@x.io", None, None))

    any_world.sync()

    assert calls(any_world) == [
        ("u1", {"email": "a@x.io", "firstName": "Ada", "age": 36, "vip_buyers": True}),
        ("u2", {"email": "b@x.io", "vip_buyers": True}),
    ]


@pytest.fixture(params=["staged", "in one database"])
def any_world(request: pytest.FixtureRequest) -> World:
    name = "world" if request.param == "staged" else "world_in_one_database"
    found: World = request.getfixturevalue(name)
    return found


def test_a_change_of_a_trait_alone_is_told_only_if_it_triggers(any_world: World) -> None:
    for trigger, told in ((False, []), (True, [("u1", {"email": "a@x.io", "firstName": "Eda", "vip_buyers": True})])):
        if not trigger:
            with_traits(any_world, trigger=trigger)
        any_world.destination_extra = f"max_events_per_second = 0\ntraits_trigger = {str(trigger).lower()}"
        put(any_world, (VIP, "u1", "a@x.io", "Ada", None))
        any_world.sync()
        put(any_world, (VIP, "u1", "a@x.io", "Eda", None))
        since = len(any_world.receiver.events)

        any_world.sync()

        assert calls(any_world, since) == told
        assert any_world.sync().report.destinations[0].planned == 0


def test_a_trait_that_changed_while_it_did_not_trigger_is_told_once_it_does(world: World) -> None:
    """What a call carried meanwhile is what the destination has."""
    with_traits(world, trigger=True)
    put(world, (VIP, "u1", "a@x.io", "Ada", None), (VIP, "u2", "b@x.io", "Bea", None))
    world.sync()
    world.destination_extra = "max_events_per_second = 0\ntraits_trigger = false"
    put(
        world, (VIP, "u1", "a@x.io", "Eda", None), (CHURN, "u1", "a@x.io", "Eda", None), (VIP, "u2", "b@x.io", "Bea", 1)
    )
    world.sync()
    world.destination_extra = "max_events_per_second = 0\ntraits_trigger = true"
    put(
        world, (VIP, "u1", "a@x.io", "Ada", None), (CHURN, "u1", "a@x.io", "Ada", None), (VIP, "u2", "b@x.io", "Bea", 1)
    )
    since = len(world.receiver.events)

    world.sync()

    assert calls(world, since) == [
        ("u1", {"email": "a@x.io", "firstName": "Ada", "vip_buyers": True, "churn_risk": True}),
        ("u2", {"email": "b@x.io", "firstName": "Bea", "age": 1, "vip_buyers": True}),
    ]
    assert world.sync().report.destinations[0].planned == 0


def test_what_calls_carried_before_traits_triggered_is_known(world: World) -> None:
    with_traits(world, trigger=False)
    put(world, (VIP, "u1", "a@x.io", "Ada", None))
    world.sync()
    world.destination_extra = "max_events_per_second = 0\ntraits_trigger = true"

    assert world.sync().report.destinations[0].planned == 0


def test_a_trait_of_a_contact_that_is_a_user_is_told_by_itself_only_if_it_triggers(world: World) -> None:
    with_traits(world, trigger=False)
    world.destination_extra = BY_USER
    put(world, (VIP, "u1", "a@x.io", "Ada", None))
    world.sync()
    put(world, (VIP, "u1", "a@x.io", "Eda", None))

    assert world.sync().report.destinations[0].planned == 0


def test_a_trait_that_disappears_stays_as_it_was_told(world: World) -> None:
    with_traits(world, trigger=True)
    put(world, (VIP, "u1", "a@x.io", "Ada", 36))
    world.sync()
    put(world, (VIP, "u1", "a@x.io", None, 36))

    assert world.sync().report.destinations[0].planned == 0
    put(world, (VIP, "u1", "a@x.io", "Ada", 36))
    assert world.sync().report.destinations[0].planned == 0


def test_rows_that_disagree_about_a_trait_are_listed(world: World) -> None:
    with_traits(world, trigger=True)
    put(world, (VIP, "u2", "a@x.io", "Ada", 36), (CHURN, "u1", "a@x.io", "Zoe", None))

    world.sync()

    assert calls(world) == [
        ("u1", {"email": "a@x.io", "firstName": "Zoe", "age": 36, "vip_buyers": True, "churn_risk": True})
    ]
    assert world.query("SELECT audience, user_id, reason FROM skipped_members") == [(VIP, "u2", "conflicting_values")]
    assert world.sync().report.destinations[0].planned == 0


# --- computed traits ----------------------------------------------------------------------------------------


def with_values(world: World, kind: str = "numeric", on_missing: str = "keep") -> None:
    world.warehouse.run(f"CREATE TABLE ltv (user_id text, email text, value {kind})")
    world.extra = (
        '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"\n' + f'on_missing = "{on_missing}"'
    )


def set_values(world: World, *rows: tuple[str, str | None, object]) -> None:
    world.warehouse.run("TRUNCATE ltv")
    for row in rows:
        world.warehouse.run("INSERT INTO ltv VALUES (%s, %s, %s)", list(row))


def told_after(world: World, *rows: tuple[str, str | None, object]) -> list[tuple[str, dict[str, Any]]]:
    since = len(world.receiver.events)
    set_values(world, *rows)
    result = world.sync()
    assert result.report.status == "succeeded", result
    found = calls(world, since)
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0
    return found


def test_a_computed_trait_is_told_when_it_changes(world: World) -> None:
    with_values(world)
    told = [("u1", {"email": "a@x.io", "lifetime_value": 12.5}), ("u2", {"email": "b@x.io", "lifetime_value": 7})]

    assert told_after(world, ("u1", "a@x.io", "12.50"), ("u2", "b@x.io", "7.000")) == told
    assert told_after(world, ("u1", "a@x.io", "12.5"), ("u2", "b@x.io", 7)) == []
    assert told_after(world, ("u1", "a@x.io", 13), ("u2", "b@x.io", 7)) == [
        ("u1", {"email": "a@x.io", "lifetime_value": 13})
    ]
    assert told_after(world, ("u2", "b@x.io", 7)) == []
    assert told_after(world, ("u1", "a@x.io", 13), ("u2", "b@x.io", 7)) == []
    assert world.query("SELECT op, contact, value FROM sync_changelog ORDER BY run_id, contact") == [
        ("added", "a@x.io", 12.5),
        ("added", "b@x.io", 7),
        ("trait_changed", "a@x.io", 13),
    ]
    assert world.query("SELECT count(*) FROM audience_membership_history") == [(0,)]


def test_a_computed_trait_goes_with_the_audiences_in_one_call(world: World) -> None:
    with_values(world)
    world.warehouse.replace([(VIP, "u1", "a@x.io")])

    assert told_after(world, ("u1", "a@x.io", 1)) == [
        ("u1", {"email": "a@x.io", "vip_buyers": True, "lifetime_value": 1})
    ]


def test_who_drops_out_is_told_null_if_that_is_wanted(world: World) -> None:
    with_values(world, on_missing="null")
    world.receiver.allowed_nulls = frozenset({"lifetime_value"})
    told_after(world, ("u1", "a@x.io", 1), ("u2", "b@x.io", 2))

    assert told_after(world, ("u2", "b@x.io", 2)) == [("u1", {"email": "a@x.io", "lifetime_value": None})]
    assert told_after(world, ("u1", "a@x.io", 3), ("u2", "b@x.io", None)) == [
        ("u2", {"email": "b@x.io", "lifetime_value": None}),
        ("u1", {"email": "a@x.io", "lifetime_value": 3}),
    ]


def test_users_of_one_contact_that_disagree_about_a_value(world: World) -> None:
    with_values(world)

    assert told_after(world, ("u2", "a@x.io", 1), ("u1", "a@x.io", 9), ("u1", "a@x.io", 10)) == [
        ("u1", {"email": "a@x.io", "lifetime_value": 10})
    ]
    assert world.query("SELECT user_id, reason FROM skipped_members ORDER BY user_id") == [
        ("u1", "conflicting_values"),
        ("u2", "conflicting_values"),
    ]
    assert told_after(world, ("u2", "a@x.io", 10)) == []
    assert world.query("SELECT op FROM sync_changelog ORDER BY run_id DESC LIMIT 1") == [("covered",)]


def test_a_contact_whose_first_user_lost_the_address_keeps_its_value(world: World) -> None:
    """The state has a row of each of the two users, and goes on with both."""
    with_values(world)
    world.warehouse.replace([(VIP, "u9", "z@x.io")])
    told_after(world, ("u1", "a@x.io", 5))

    for _ in range(3):
        assert told_after(world, ("u1", None, 5), ("u2", "a@x.io", 5)) == []
        assert world.query("SELECT user_id, reason FROM skipped_members") == [("u1", "no_email")]
    assert told_after(world, ("u1", None, 5), ("u2", "a@x.io", 6)) == [("u1", {"email": "a@x.io", "lifetime_value": 6})]
    assert world.query("SELECT user_id, value FROM synced_member WHERE value IS NOT NULL ORDER BY user_id") == [
        ("u1", 6),
        ("u2", 6),
    ]
    since = len(world.receiver.events)
    assert sync.exit_code(world.resync()) == 0
    assert [traits for _, traits in calls(world, since) if "lifetime_value" in traits] == [
        {"email": "a@x.io", "lifetime_value": 6}
    ]
    assert told_after(world, ("u2", "a@x.io", 6)) == []
    assert world.query("SELECT user_id FROM synced_member WHERE value IS NOT NULL") == [("u2",)]
    assert told_after(world, ("u3", None, 1), ("u3", "a@x.io", 6), ("u1", None, 2), ("u2", None, 6)) == []
    assert told_after(world, ("u1", "a@x.io", 7)) == [("u1", {"email": "a@x.io", "lifetime_value": 7})]


def test_a_row_that_disagrees_elsewhere_keeps_nobody(world: World) -> None:
    """u2 left the address a@x.io: that another user decides the value of their new one does not matter to the old."""
    with_values(world, on_missing="null")
    world.receiver.allowed_nulls = frozenset({"lifetime_value"})
    told_after(world, ("u2", "a@x.io", 1), ("u1", "b@x.io", 2))

    assert told_after(world, ("u1", "b@x.io", 2), ("u2", "b@x.io", 3)) == [
        ("u2", {"email": "a@x.io", "lifetime_value": None})
    ]
    assert world.query("SELECT user_id, reason FROM skipped_members") == [("u2", "conflicting_values")]


def test_a_trait_that_disagrees_elsewhere_keeps_nobody(world: World) -> None:
    with_traits(world, trigger=True)
    put(world, (VIP, "u2", "a@x.io", "Ada", 36), (VIP, "u2", "b@x.io", "Ada", 36), (VIP, "u1", "b@x.io", "Ada", 36))
    world.sync()

    put(world, (VIP, "u2", "b@x.io", "Zoe", 36), (VIP, "u1", "b@x.io", "Ada", 36))
    since = len(world.receiver.events)
    world.sync()

    assert [traits.get("vip_buyers") for _, traits in calls(world, since) if traits["email"] == "a@x.io"] == [False]
    assert world.verify().differences == 0


@pytest.mark.parametrize(
    ("kind", "written", "sent"),
    [
        ("text", "gold", "gold"),
        ("boolean", False, False),
        ("double precision", 0.1, 0.1),
        ("bigint", 2**53, 2**53),
        ("timestamptz", "2026-02-01 10:00:00.5+02", "2026-02-01T08:00:00.500Z"),
        ("timestamp", "2026-02-01 10:00:00", "2026-02-01T10:00:00.000Z"),
        ("date", "2026-02-01", "2026-02-01T00:00:00.000Z"),
    ],
)
def test_values_of_every_type(world: World, kind: str, written: object, sent: object) -> None:
    with_values(world, kind)

    assert told_after(world, ("u1", "a@x.io", written)) == [("u1", {"email": "a@x.io", "lifetime_value": sent})]
    since = len(world.receiver.events)
    assert sync.exit_code(world.resync()) == 0
    assert calls(world, since) == [("u1", {"email": "a@x.io", "lifetime_value": sent})]


def test_what_is_no_number_is_skipped(world: World) -> None:
    with_values(world, "double precision")

    assert told_after(world, ("u1", "a@x.io", "NaN"), ("u2", "b@x.io", "Infinity"), ("u3", "c@x.io", 1)) == [
        ("u3", {"email": "c@x.io", "lifetime_value": 1})
    ]
    assert world.sync().report.destinations[0].skipped == {"unsendable_text": 2}


def test_another_type_is_one_problem_of_the_trait(world: World) -> None:
    with_values(world)
    told_after(world, *((f"u{n}", f"u{n}@x.io", n) for n in range(5)))
    world.warehouse.run("ALTER TABLE ltv ALTER COLUMN value TYPE text")
    world.warehouse.replace([(VIP, "u1", "u1@x.io")])

    result = world.sync()

    assert sync.exit_code(result) == 8
    [trait] = [each for each in result.report.audiences if each.name == "Lifetime value"]
    assert "its values are text, and number was sent first" in str(trait.problem)
    assert result.report.destinations[0].planned == 1


def test_a_type_that_no_receiver_takes_is_named(world: World) -> None:
    with_values(world, "integer[]")
    set_values(world, ("u1", "a@x.io", [1]))

    result = world.sync()

    assert "its values are integer[]; cast" in str(result.report.audiences[0].problem)
    assert result.report.destinations[0].planned == 0


def test_a_lost_answer_about_a_value_is_told_again_with_what_is_so_then(world: World) -> None:
    with_values(world)
    told_after(world, ("u1", "a@x.io", 1))
    set_values(world, ("u1", "a@x.io", 2))
    world.receiver.script = lambda _: Reset(apply=EVERYTHING)
    world.sync()
    world.receiver.script = None

    assert told_after(world, ("u1", "a@x.io", 1)) == [("u1", {"email": "a@x.io", "lifetime_value": 1})]


# --- a warehouse that is no PostgreSQL ------------------------------------------------------------------------


def test_values_and_traits_out_of_sqlite(world: World, tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with closing(sqlite3.connect(file)) as shop:
        shop.execute("CREATE TABLE members (audience_name text, user_id text, email text, first_name, years)")
        shop.execute(
            "INSERT INTO members VALUES (?, 'u1', 'a@x.io', 'Ad\u00e4', 36), (?, 'u2', 'b@x.io', NULL, 1.5)", [VIP, VIP]
        )
        shop.execute("CREATE TABLE ltv (user_id, email, value)")
        shop.execute("INSERT INTO ltv VALUES ('u1', 'a@x.io', 12.50), ('u2', 'b@x.io', NULL), ('u3', 'c@x.io', 3)")
        shop.commit()
    world.receiver.allowed_traits = frozenset({"firstName", "age"})
    world.extra = (
        'traits = { first_name = "firstName", years = "age" }\n'
        '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'
    )
    world.warehouse.url = f"sqlite:///{file}"

    assert sync.exit_code(world.sync()) == 0

    assert sorted(calls(world)) == [
        ("u1", {"email": "a@x.io", "firstName": "Ad\u00e4", "age": 36, "vip_buyers": True, "lifetime_value": 12.5}),
        ("u2", {"email": "b@x.io", "age": 1.5, "vip_buyers": True}),
        ("u3", {"email": "c@x.io", "lifetime_value": 3}),
    ]
    with closing(sqlite3.connect(file)) as shop:
        shop.execute("UPDATE ltv SET value = 'gold' WHERE user_id = 'u1'")
        shop.commit()
    result = world.sync()
    [trait] = [each for each in result.report.audiences if each.name == "Lifetime value"]
    assert "its values are number and text" in str(trait.problem)
