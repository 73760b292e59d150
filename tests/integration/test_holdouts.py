"""A share of an audience's people is held out: never told true of it, and known by the history, to compare with."""

import json

import pytest

from syncer.models import Status
from syncer.state import retention
from tests.withholding import is_held_out
from tests.world import CHURN, VIP, Row, World, assert_held, calls, members, named_members, told

PEOPLE = members(60)
PROPERTY = "vip_buyers"
PRIORITY = '[[priority]]\nname = "life"\naudiences = ["vip_buyers", "churn_risk"]\n'
USERS = [user for _, user, _ in PEOPLE if user]


def holdout(share: float, seed: str | None = None, name: str = VIP) -> str:
    return f'[[audiences]]\nname = "{name}"\nholdout = {share}\n' + (f'holdout_seed = "{seed}"\n' if seed else "")


def expected(share: float, seed: str = PROPERTY) -> set[str]:
    return {user for user in USERS if is_held_out(user, seed, share)}


def held_out(world: World, name: str = VIP) -> set[str]:
    """Who is held out now, by the history."""
    query = "SELECT user_id FROM held_out_members WHERE until IS NULL AND audience = %s"
    return {user for (user,) in world.query(query, [name])}


def believed(world: World) -> set[str]:
    return {f"u{contact[1:5]}" for contact, name in world.believed() if name == PROPERTY}


def test_a_share_is_never_told_and_a_larger_one_contains_it(world: World) -> None:
    world.extra = holdout(0.2) + "[guard]\nmin_removed = 1000\n"
    world.warehouse.replace(PEOPLE)

    result = world.sync()

    small = expected(0.2)
    assert 0 < len(small) < 30
    assert {user for user, _ in calls(world)} == set(USERS) - small
    assert held_out(world) == small
    assert result.report.destinations[0].skipped == {"held_out": len(small)}
    assert result.report.status == Status.SUCCEEDED
    assert [each.members for each in result.report.audiences] == [60 - len(small)]
    assert world.verify().differences == 0
    since = dict(world.query("SELECT user_id, since FROM held_out_members"))
    seen = world.receiver.event_count
    world.extra = holdout(0.5) + "[guard]\nmin_removed = 1000\n"

    world.sync()

    large = expected(0.5)
    assert small < large
    assert {(contact[:5], value) for contact, _, value in told(world, seen)} == {
        (user, False) for user in large - small
    }
    assert held_out(world) == large
    assert since.items() <= dict(world.query("SELECT user_id, since FROM held_out_members")).items()
    seen = world.receiver.event_count
    assert world.sync().report.destinations[0].planned == 0
    world.resync()
    assert {user for user, values in calls(world, seen) if values[PROPERTY]} == set(USERS) - large


def test_the_end_of_a_holdout_tells_those_who_were_held_out(world: World) -> None:
    world.extra = holdout(0.3)
    world.warehouse.replace(PEOPLE)
    world.sync()
    seen, out = world.receiver.event_count, expected(0.3)
    world.extra = ""

    world.sync()

    assert {(user, values[PROPERTY]) for user, values in calls(world, seen)} == {(user, True) for user in out}
    assert held_out(world) == set()
    ends = "SELECT count(*), count(until), count(until_run_id) FROM held_out_members WHERE until_run_id > since_run_id"
    assert world.query(ends) == [(len(out),) * 3]
    assert world.query("SELECT count(*) FROM skipped_members") == [(0,)]


@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_it_is_the_person_and_neither_the_address_nor_the_name_of_the_audience(world: World, identity: str) -> None:
    world.destination_extra += f'\nidentity = "{identity}"'
    world.extra = holdout(0.3)
    world.warehouse.replace(PEOPLE)
    world.sync()
    seen, renamed = world.receiver.event_count, "vip  BUYERS"
    world.extra = holdout(0.3, name=renamed)
    world.warehouse.replace([(renamed, user, f"new-{email}") for _, user, email in PEOPLE])

    world.sync()

    assert not {user for user, values in calls(world, seen) if values.get(PROPERTY)} & expected(0.3)
    assert held_out(world, renamed) == expected(0.3)
    assert world.query("SELECT count(*) FROM held_out_members") == [(len(expected(0.3)),)]
    assert world.verify().differences == 0


def test_audiences_hold_out_others_unless_they_share_a_seed(world: World) -> None:
    world.extra = holdout(0.3) + holdout(0.3, name=CHURN)
    world.warehouse.replace(members(60, VIP, CHURN))
    world.sync()
    assert held_out(world) == expected(0.3)
    assert held_out(world, CHURN) == expected(0.3, "churn_risk") != expected(0.3)
    world.extra = holdout(0.3, "spring") + holdout(0.3, "spring", CHURN)

    world.sync()

    assert held_out(world) == held_out(world, CHURN) == expected(0.3, "spring")


def test_a_holdout_of_those_who_were_told_is_guarded(world: World) -> None:
    world.warehouse.replace(PEOPLE)
    world.sync()
    world.extra = holdout(0.5) + "[guard]\nmin_removed = 2\n"

    held = world.sync()

    assert_held(held)
    assert held_out(world) == expected(0.5)
    world.approve(held.report.run_id)
    world.sync()
    assert believed(world) == set(USERS) - expected(0.5)


def test_nobodys_holdout_ends_while_the_guard_holds_what_left(world: World) -> None:
    world.extra = holdout(0.3) + "[guard]\nmin_removed = 2\n"
    world.warehouse.replace(PEOPLE)
    world.sync()
    world.warehouse.replace(PEOPLE[:10])

    assert_held(world.sync())

    assert held_out(world) == expected(0.3)


def test_the_other_user_of_a_contact_is_told_as_themselves(world: World) -> None:
    out, told_user = min(expected(0.3)), min(set(USERS) - expected(0.3))
    world.extra = holdout(0.3)
    rows: list[Row] = [(VIP, out, "shared@x.io"), (VIP, told_user, "shared@x.io")]
    world.warehouse.replace(rows)

    world.sync()

    assert [(user, values[PROPERTY]) for user, values in calls(world)] == [(told_user, True)]
    assert "held_out since" in world.command("explain", out).stdout
    story = world.explain(out)
    assert story.contacts == ["shared@x.io"]
    assert {row["problem"] for row in story.warehouse if row["user_id"] == out} == {"held_out"}
    [skipped] = story.destinations[0]["skipped"]
    assert (skipped["reason"], skipped["since"] is not None) == ("held_out", True)


def test_everybody_and_rows_that_cannot_be_sent(world: World) -> None:
    world.extra = holdout(1.0)
    world.warehouse.replace([*named_members("a"), (VIP, None, "nobody@x.io"), (VIP, "u-b", None)])

    result = world.sync()

    assert calls(world) == []
    assert result.report.destinations[0].skipped == {"held_out": 2, "no_user_id": 1}
    assert held_out(world) == {"u-a", "u-b"}
    world.command("retire", VIP, "--yes")
    world.sync()
    assert held_out(world) == set()


def test_who_is_forgotten_stays_counted_without_a_name(world: World) -> None:
    world.extra = holdout(1.0)
    world.warehouse.replace(named_members("a", "b"))
    world.sync()

    assert world.command("forget", "a@x.io", "--yes").returncode == 0

    assert world.query("SELECT count(*) FROM held_out_members WHERE starts_with(user_id, 'forgotten ')") == [(1,)]
    world.sync()
    assert held_out(world) == {"u-b"}
    assert world.query("SELECT reason, count(*) FROM skipped_members GROUP BY 1 ORDER BY 1") == [
        ("forgotten", 1),
        ("held_out", 1),
    ]


def test_the_snapshot_at_the_warehouse_is_not_used_and_the_run_says_why(world: World) -> None:
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = 'scratch = "scratch"'
    world.warehouse.replace(PEOPLE)
    for extra, why in (
        (holdout(0.3), "whoever is held out is looked for among all rows"),
        (PRIORITY, "which audience of a person comes first needs all rows of that person"),
    ):
        world.extra = extra
        world.sync()
        assert world.query("SELECT read, read_because FROM run ORDER BY run_id DESC LIMIT 1") == [("everything", why)]


def test_a_plan_says_who_would_be_told_false_for_a_holdout(world: World) -> None:
    world.warehouse.replace(PEOPLE[:10])
    world.sync()
    world.extra = holdout(1.0)

    lines = world.command("plan", "--people", "0", "--json").stdout.splitlines()[:-1]

    assert {json.loads(line)["why"] for line in lines} == {"held_out"}


def test_old_holdouts_go_with_the_history_of_then(world: World) -> None:
    world.extra = holdout(1.0)
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    world.warehouse.replace(named_members("a"))
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE held_out SET until = until - interval '2 days'")

        retention.drop_old(connection, 86_400)

    assert world.query("SELECT user_id FROM held_out_members") == [("u-a",)]
