"""Contacts that are user ids, and traits that go along (rules 12, 13, 28, 29)."""

from typing import Any

import pytest

from tests.world import CHURN, VIP, Row, World, calls

pytestmark = pytest.mark.usefixtures("unguarded")

BY_USER = 'max_events_per_second = 0\nidentity = "user_id"'


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


CHANGES: list[tuple[list[Row], list[Row], list[tuple[str, dict[str, Any]]], str]] = [
    ([], [(VIP, "u1", "A@x.io")], [("u1", {"email": "a@x.io", "vip_buyers": True})], "enters"),
    ([(VIP, "u1", "a@x.io")], [], [("u1", {"email": "a@x.io", "vip_buyers": False})], "leaves with its email"),
    (
        [(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io")],
        [(VIP, "u1", "b@x.io"), (CHURN, "u1", "b@x.io")],
        [("u1", {"email": "b@x.io", "vip_buyers": True, "churn_risk": True})],
        "another email is a change",
    ),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", " A@x.io")], [], "the same email written differently"),
    (
        [(VIP, "u1", "a@x.io")],
        [(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")],
        [("u2", {"email": "a@x.io", "vip_buyers": True})],
        "two users with one email are two contacts",
    ),
    (
        [(VIP, "u1", "a@x.io")],
        [(VIP, "u2", "a@x.io")],
        [
            ("u1", {"email": "a@x.io", "vip_buyers": False}),
            ("u2", {"email": "a@x.io", "vip_buyers": True}),
        ],
        "an email goes to another user",
    ),
    (
        [(VIP, "u1", "b@x.io"), (CHURN, "u1", "b@x.io")],
        [(VIP, "u1", "b@x.io")],
        [("u1", {"email": "b@x.io", "churn_risk": False})],
        "leaves one of two",
    ),
    (
        [(VIP, "u1", "a@x.io")],
        [(CHURN, "u1", "b@x.io")],
        [("u1", {"email": "b@x.io", "vip_buyers": False, "churn_risk": True})],
        "another email with another audience",
    ),
    ([(VIP, "u1", "a@x.io")], [(VIP, "u1", None)], [], "the email disappears: no exit"),
]
"""What the warehouse said, what it says then, what is told of it, and what is shown by that."""


def test_contacts_that_are_users(world: World) -> None:
    """All at once, each with people of its own."""
    world.destination_extra = BY_USER
    first = [row for n, case in enumerate(CHANGES) for row in apart(n, case[0])]
    second = [row for n, case in enumerate(CHANGES) for row in apart(n, case[1])]

    found = after(world, first, second)

    assert {case[3]: [call for call in found if call[0].startswith(f"{n}.")] for n, case in enumerate(CHANGES)} == {
        case[3]: [
            (f"{n}.{user}", {**values, "email": values["email"].replace("@x.", f"@x{n}.")}) for user, values in case[2]
        ]
        for n, case in enumerate(CHANGES)
    }


def apart(number: int, rows: list[Row]) -> list[Row]:
    """The rows of a case, whose people are nobody else's."""
    return [
        (audience, f"{number}.{user}", email if email is None else email.replace("@x.", f"@x{number}."))
        for audience, user, email in rows
    ]


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


def test_a_trait_that_changes_with_the_user_of_its_contact_is_told_at_once(any_world: World) -> None:
    """Else the rows only move, and nobody need be told of that."""
    with_traits(any_world, trigger=True)
    put(any_world, (VIP, "u1", "a@x.io", "Ada", None), (CHURN, "u1", "a@x.io", "Ada", None))
    any_world.sync()
    since = len(any_world.receiver.events)
    put(any_world, (VIP, "u2", "a@x.io", "Eda", None))

    any_world.sync()

    assert calls(any_world, since) == [
        ("u2", {"email": "a@x.io", "firstName": "Eda", "vip_buyers": True, "churn_risk": False})
    ]
    assert any_world.verify().differences == 0
    put(any_world, (VIP, "u3", "a@x.io", "Eda", None))
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


def test_a_trait_that_disagrees_elsewhere_keeps_nobody(world: World) -> None:
    with_traits(world, trigger=True)
    put(world, (VIP, "u2", "a@x.io", "Ada", 36), (VIP, "u2", "b@x.io", "Ada", 36), (VIP, "u1", "b@x.io", "Ada", 36))
    world.sync()

    put(world, (VIP, "u2", "b@x.io", "Zoe", 36), (VIP, "u1", "b@x.io", "Ada", 36))
    since = len(world.receiver.events)
    world.sync()

    assert [traits.get("vip_buyers") for _, traits in calls(world, since) if traits["email"] == "a@x.io"] == [False]
    assert world.verify().differences == 0
