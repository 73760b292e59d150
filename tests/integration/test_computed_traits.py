"""Computed traits: a value for each contact (rules 12, 13, 28, 29)."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Reset
from tests.world import VIP, World, calls

pytestmark = pytest.mark.usefixtures("unguarded")


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
    assert [row["value"] for row in world.explain("u1").destinations[0]["told"]] == [None]
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


TYPES: list[tuple[str, object, object]] = [
    ("text", "gold", "gold"),
    ("boolean", False, False),
    ("double precision", 0.1, 0.1),
    ("bigint", 2**53, 2**53),
    ("timestamptz", "2026-02-01 10:00:00.5+02", "2026-02-01T08:00:00.500Z"),
    ("timestamp", "2026-02-01 10:00:00", "2026-02-01T10:00:00.000Z"),
    ("date", "2026-02-01", "2026-02-01T00:00:00.000Z"),
]


def test_values_of_every_type(world: World) -> None:
    """Each as a trait of its own."""
    world.warehouse.run(
        f"CREATE TABLE typed (user_id text, email text, {', '.join(f'v{n} {each[0]}' for n, each in enumerate(TYPES))})"
    )
    world.extra = "".join(
        f'[[computed_traits]]\nname = "Value {n}"\nquery = "SELECT user_id, email, v{n} AS value FROM typed"\n'
        for n in range(len(TYPES))
    )
    values = [each[1] for each in TYPES]
    world.warehouse.run(f"INSERT INTO typed VALUES ('u1', 'a@x.io', {', '.join(['%s'] * len(values))})", values)
    told = [("u1", {"email": "a@x.io", **{f"value_{n}": each[2] for n, each in enumerate(TYPES)}})]

    assert sync.exit_code(world.sync()) == 0
    assert calls(world) == told
    since = len(world.receiver.events)
    assert world.sync().report.destinations[0].planned == 0
    assert sync.exit_code(world.resync()) == 0
    assert calls(world, since) == told


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
    with world.warehouse.changing(), closing(sqlite3.connect(file)) as shop:
        shop.execute("UPDATE ltv SET value = 'gold' WHERE user_id = 'u1'")
        shop.commit()
    result = world.sync()
    [trait] = [each for each in result.report.audiences if each.name == "Lifetime value"]
    assert "its values are number and text" in str(trait.problem)
