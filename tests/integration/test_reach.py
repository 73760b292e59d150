"""A destination that is about some contacts only, and what becomes of the others (rule 26)."""

import itertools

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Reset
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World, members, truth

OPEN = "max_events_per_second = 0"


def reach(world: World, *, contacts: list[str] | None = None, rollout: float | None = None) -> None:
    world.destination_extra = OPEN
    if contacts is not None:
        world.destination_extra += f"\ncontacts = {contacts!r}"
    if rollout is not None:
        world.destination_extra += f"\nrollout = {rollout}"


def test_only_the_contacts_that_are_listed_are_told(world: World) -> None:
    rows = members(5) + members(5, CHURN)
    world.warehouse.replace(rows)
    reach(world, contacts=[" U0001@X.io", "u0003@x.io", "nobody@x.io"])

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert world.believed() == truth(row for row in rows if row[1] in ("u0001", "u0003"))
    assert set(world.receiver.belief) == {"u0001@x.io", "u0003@x.io"}
    assert result.report.destinations[0].skipped == {"out_of_rollout": 6}
    assert world.query("SELECT DISTINCT reason FROM skipped_members") == [("out_of_rollout",)]
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed) == (0, {"skipped: out_of_rollout": 6})


def test_a_wider_reach_is_not_planned_in_slices(world: World) -> None:
    """Whoever was within it before is no backfill."""
    world.slice_rows = 5
    world.warehouse.replace(members(20))
    reach(world, contacts=["u0000@x.io"])
    world.sync()
    reach(world)
    world.sync()
    assert world.query("SELECT count(*) FROM sync_page WHERE run_id = 2") == [(1,)]


def test_a_share_is_stable_and_a_larger_one_contains_the_smaller(world: World) -> None:
    rows = members(400)
    world.warehouse.replace(rows)
    told: list[set[str]] = []
    for share in (0, 0.05, 0.2, 0.2, 0.6, 1):
        reach(world, rollout=share)
        assert sync.exit_code(world.sync()) == 0
        told.append(set(world.receiver.belief))

    assert all(smaller <= larger for smaller, larger in itertools.pairwise(told))
    assert told[2] == told[3]
    assert [len(each) for each in (told[0], told[-1])] == [0, 400]
    assert 5 <= len(told[1]) <= 40
    assert 50 <= len(told[2]) <= 110
    assert 200 <= len(told[4]) <= 280
    assert world.receiver.event_count == 400  # each of them once
    assert world.verify().differences == 0


def test_the_share_is_of_contacts_and_those_listed_come_to_it(world: World) -> None:
    """Rows of one contact are in or out together, in every audience."""
    rows = [(name, f"{audience}{user}", email) for audience in "ab" for name, user, email in members(100)]
    world.warehouse.replace(rows + members(100, CHURN))
    reach(world, contacts=[f"u{number:04d}@x.io" for number in range(10)], rollout=0.3)

    world.sync()

    chosen = set(world.receiver.belief)
    assert chosen >= {f"u{number:04d}@x.io" for number in range(10)}
    assert 20 <= len(chosen) <= 60
    assert world.believed() == {(contact, name) for contact in chosen for name in ("vip_buyers", "churn_risk")}
    assert world.query("SELECT count(*) FROM synced_member") == [(3 * len(chosen),)]


@pytest.mark.parametrize("wider", [{"rollout": 1.0}, {"contacts": ["u0000@x.io", "u0001@x.io", "u0007@x.io"]}, {}])
def test_widening_is_an_initial_sync_of_the_new_ones(world: World, wider: dict[str, float | list[str]]) -> None:
    world.extra = GUARD_FROM_TWO
    rows = members(40)
    world.warehouse.replace(rows)
    reach(world, contacts=["u0000@x.io"])
    world.sync()
    reach(world, **wider)  # type: ignore[arg-type]

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert result.report.audiences[0].held == 0
    contacts = wider.get("contacts")
    assert world.believed() == truth(row for row in rows if not isinstance(contacts, list) or row[2] in contacts)


def test_widening_a_little_tells_the_new_ones_and_nobody_twice(world: World) -> None:
    world.warehouse.replace(members(20))
    reach(world, contacts=["u0000@x.io"])
    world.sync()
    reach(world)

    assert sync.exit_code(world.sync()) == 0

    assert world.believed() == truth(members(20))
    assert world.receiver.event_count == 20
    assert world.verify().differences == 0


def test_who_is_out_of_scope_stays_as_last_told_and_unseen_by_guard_and_verify(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(20))
    world.sync()
    reach(world, contacts=["u0000@x.io", "u0001@x.io"])
    world.warehouse.replace(members(1) + members(5, first=30))  # all but one left, five came

    result = world.sync()

    assert sync.exit_code(result) == 0  # one of the two in reach: the other eighteen are not counted
    (audience,) = result.report.audiences
    assert (audience.added, audience.removed, audience.held) == (0, 1, 0)
    assert world.believed() == truth(members(20)) - truth(members(1, first=1))
    assert result.report.destinations[0].skipped == {"out_of_rollout": 5}
    assert world.verify().differences == 0

    reach(world)
    widened = world.sync()
    assert sync.exit_code(widened) == 5  # now eighteen of nineteen would be told false
    assert {op for (op,) in world.query("SELECT DISTINCT op FROM held_changes")} >= {"removed"}


def test_what_is_held_or_uncertain_out_of_scope_waits(world: World) -> None:
    world.extra = f'{GUARD_FROM_TWO}[[audiences]]\nname = "{VIP}"'
    world.warehouse.replace(members(8))
    world.sync()
    world.warehouse.replace(members(9))
    world.receiver.script = lambda request: Reset(apply=EVERYTHING)
    world.sync()
    world.receiver.script = None
    reach(world, contacts=["u0000@x.io"])
    world.warehouse.replace(members(4))

    assert sync.exit_code(world.sync()) == 0
    assert sync.exit_code(world.resync()) == 0

    assert world.believed() == truth(members(9))
    assert world.query("SELECT contact FROM uncertain") == [("u0008@x.io",)]
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    assert world.receiver.event_count == 8 + 1 + 1  # the one in reach again
    reach(world)
    world.warehouse.replace(members(8))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(8))


def test_a_user_who_moves_out_of_reach_is_told_false_at_the_old_contact(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "in@x.io"), (VIP, "u2", "also@x.io")])
    reach(world, contacts=["in@x.io", "also@x.io"])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "out@x.io"), (VIP, "u2", "also@x.io")])

    assert sync.exit_code(world.sync()) == 0

    assert world.receiver.belief == {"in@x.io": {"vip_buyers": False}, "also@x.io": {"vip_buyers": True}}
    world.warehouse.replace([(VIP, "u1", "in@x.io"), (VIP, "u2", "also@x.io")])
    world.sync()
    assert world.believed() == {("in@x.io", "vip_buyers"), ("also@x.io", "vip_buyers")}
    assert world.verify().differences == 0


def test_a_member_out_of_reach_does_not_say_where_a_user_without_an_address_is(world: World) -> None:
    """u5 had two addresses, and the warehouse has none of them by now: that is no exit from the one within reach."""
    world.warehouse.replace([(VIP, "u5", "b@x.io"), (VIP, "u5", "c@x.io"), (VIP, "u2", "c@x.io")])
    world.sync()
    world.destination_extra += '\ncontacts = ["c@x.io"]'
    world.warehouse.replace([(VIP, "u5", None), (VIP, "u2", "c@x.io")])

    assert world.sync().report.destinations[0].planned == 0

    assert set(world.query("SELECT contact, user_id FROM synced_member")) == {
        ("b@x.io", "u5"),
        ("c@x.io", "u5"),
        ("c@x.io", "u2"),
    }


def test_who_is_out_of_reach_when_their_audience_is_retired_is_told_false_once_they_are_within_it(world: World) -> None:
    world.warehouse.replace(members(2))
    world.sync()
    reach(world, contacts=["u0000@x.io"])
    assert world.command("retire", VIP, "--yes").returncode == 0

    world.sync()

    assert world.believed() == truth(members(1, first=1))
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed) == (0, {"out_of_reach": 1})
    reach(world)
    world.sync()
    assert world.believed() == set()
