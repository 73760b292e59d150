"""What the guard holds and what it lets go, end to end."""

import pytest

from syncer import sync
from syncer.models import Status
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, assert_held, members, removals, truth

# --- the limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        pytest.param(3, 0, 0, id="3 of 3 members go"),
        pytest.param(300, 0, 300, id="300 of 300 are held"),
        pytest.param(400, 300, 0, id="a quarter exactly goes"),
        pytest.param(400, 299, 101, id="one more is held"),
        pytest.param(150, 51, 0, id="99 of 150 are too few to be held"),
    ],
)
def test_removals_of_an_audience_that_is_configured(world: World, before: int, after: int, waits: int) -> None:
    world.extra = f'[[audiences]]\nname = "{VIP}"'
    stay: list[Row] = [(CHURN, "c", "c@x.io")]
    world.warehouse.replace(members(before) + stay)
    world.sync()
    world.warehouse.replace(members(after) + stay)

    result = world.sync()

    _, vip = sorted(result.report.audiences, key=lambda audience: audience.name)
    assert (vip.removed, vip.held) == ((0, waits) if waits else (before - after, 0))
    if waits:
        assert_held(result)
        assert world.believed() == truth(members(before) + stay)
        assert world.held() == removals(members(before - after, first=after))
        assert world.query("SELECT DISTINCT status, value, run_id FROM sync_changelog WHERE status = 'held'") == [
            ("held", False, 2)
        ]
    else:
        assert (result.report.status, sync.exit_code(result)) == (Status.SUCCEEDED, 0)
        assert world.believed() == truth(members(after) + stay)
        assert world.held() == set()
    assert world.verify().differences == 0


@pytest.mark.parametrize(("told", "new", "waits"), [(1000, 1000, 0), (999, 1000, 1000), (3, 999, 0)])
def test_additions_past_the_initial_sync(world: World, told: int, new: int, waits: int) -> None:
    world.warehouse.replace(members(told))
    assert world.sync().report.status == "succeeded"
    world.warehouse.replace(members(told + new))

    result = world.sync()

    assert (result.report.audiences[0].held, result.report.audiences[0].added) == (waits, new - waits)
    assert world.believed() == truth(members(told if waits else told + new))
    assert world.held() == {(contact, name, "added") for contact, name in truth(members(waits, first=told))}
    assert (sync.exit_code(result) == 5) == bool(waits)


@pytest.mark.parametrize("hold_initial", [True, False])
def test_a_first_sync_waits_for_approval_only_if_that_is_asked_for(world: World, hold_initial: bool) -> None:
    world.extra = f"[guard]\nhold_initial = {str(hold_initial).lower()}"
    world.warehouse.replace(members(3))

    first = world.sync()

    assert first.report.audiences[0].initial
    assert (sync.exit_code(first), first.report.audiences[0].held) == ((5, 3) if hold_initial else (0, 0))
    assert world.believed() == (set() if hold_initial else truth(members(3)))
    if hold_initial:
        assert world.receiver.requests == []
        assert world.approve(first.report.run_id) == 3
        released = world.sync()
        assert sync.exit_code(released) == 0
        assert released.report.audiences[0].initial
        assert world.believed() == truth(members(3))
        world.warehouse.replace(members(4))  # past it
        assert world.sync().report.status == "succeeded"
        assert world.believed() == truth(members(4))


def test_an_audience_may_have_fractions_of_its_own(world: World) -> None:
    world.extra = GUARD_FROM_TWO + (
        f'[[audiences]]\nname = "{VIP}"\nmax_removed_fraction = 1.0\nmax_added_fraction = 10.0\n'
        f'[[audiences]]\nname = "{CHURN}"\nmax_removed_fraction = 0.1\n'
    )
    world.warehouse.replace(members(10) + members(10, CHURN))
    world.sync()
    rows = members(1) + members(8, CHURN)
    world.warehouse.replace(rows)

    result = world.sync()

    assert {audience.name: (audience.removed, audience.held) for audience in result.report.audiences} == {
        VIP: (9, 0),
        CHURN: (0, 2),
    }
    assert world.believed() == truth(members(1) + members(10, CHURN))
    world.warehouse.replace(members(11) + members(10, CHURN))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(11) + members(10, CHURN))


def test_contacts_are_counted_and_not_rows(world: World) -> None:
    """Two users each: of four contacts one leaves with both rows, which is a quarter and goes."""
    world.extra = "[guard]\nmin_removed = 1"
    rows: list[Row] = [(VIP, f"u{number}", f"c{number // 2}@x.io") for number in range(8)]
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace(rows[2:])

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(rows[2:])
    world.warehouse.replace(rows[3:])  # a row that moves without the contact changes nothing
    assert sync.exit_code(world.sync()) == 0
    world.warehouse.replace(rows[4:])  # one of three
    assert sync.exit_code(world.sync()) == 5


# --- vanished, empty, off the list -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scoped", [True, False])
def test_an_empty_snapshot_is_held_whatever_the_limits_say(world: World, scoped: bool) -> None:
    world.extra = f'[guard]\nmax_removed_fraction = 1.0\n[[audiences]]\nname = "{VIP}"'
    rows = members(2) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace([])

    result = world.sync(audiences=[VIP]) if scoped else world.sync()

    assert_held(result)
    assert world.held() == removals(members(2) if scoped else rows)
    assert {reason for (reason,) in world.query("SELECT reason FROM held_changes")} == {"the whole snapshot is empty"}
    assert world.believed() == truth(rows)
    assert world.verify().differences == 0


def test_an_empty_snapshot_beside_an_empty_state_is_nothing(world: World) -> None:
    assert sync.exit_code(world.sync()) == 0
    assert world.receiver.requests == []


def test_a_vanished_audience_is_held_however_few_it_has_and_comes_back(world: World) -> None:
    rows: list[Row] = [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")]
    stay: list[Row] = [(CHURN, "u1", "a@x.io")]
    world.warehouse.replace(rows + stay)
    world.sync()
    world.warehouse.replace(stay)

    result = world.sync()

    assert_held(result)
    assert world.held() == removals(rows)
    assert world.believed() == truth(rows + stay)
    assert world.verify().differences == 0
    world.warehouse.replace(rows[:1] + stay)
    assert sync.exit_code(world.sync()) == 0  # one of two is too few to be held, and no longer vanished
    assert world.held() == set()
    assert world.believed() == truth(rows[:1] + stay)


@pytest.mark.parametrize("named", [VIP, "vip_buyers"])
def test_an_audience_off_the_list_of_a_destination_is_held_there(world: World, named: str) -> None:
    rows = members(2) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.destination_extra += f'\naudiences = ["{named}", "{CHURN}"]'
    world.sync()
    world.destination_extra = f'max_events_per_second = 0\naudiences = ["{CHURN}"]'

    result = world.sync()

    assert_held(result)
    assert world.held() == removals(members(2))
    assert world.believed() == truth(rows)
    world.approve(result.report.run_id)
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1, CHURN))
    assert world.verify().differences == 0


def test_an_audience_that_comes_onto_the_list_later_begins_with_an_initial_sync(world: World) -> None:
    """Neither guarded as growth nor counted as synced while the destination was not about it."""
    world.extra = GUARD_FROM_TWO
    rows = members(8) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.destination_extra += f'\naudiences = ["{CHURN}"]'
    world.sync()
    assert world.believed() == truth(members(1, CHURN))

    world.destination_extra = "max_events_per_second = 0"
    result = world.sync()

    assert sync.exit_code(result) == 0
    assert {audience.name: audience.initial for audience in result.report.audiences} == {VIP: True, CHURN: False}
    assert world.believed() == truth(rows)


# --- what goes on beside it ------------------------------------------------------------------------------------------


def test_what_is_not_held_goes_on_in_the_same_run(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4) + members(2, CHURN))
    world.sync()
    # All of one audience leave. Its additions go, and so does the other audience, for the held contacts as well.
    rows = [*members(1, first=9), *members(1, CHURN, first=1), *members(1, CHURN, first=2)]
    world.warehouse.replace(rows)

    result = world.sync()

    assert_held(result)
    assert {each.name: (each.added, each.removed, each.held) for each in result.report.audiences} == {
        VIP: (1, 0, 4),
        CHURN: (1, 1, 0),
    }
    assert world.believed() == truth(rows) | truth(members(4))
    assert world.receiver.belief["u0000@x.io"]["churn_risk"] is False
    assert result.report.destinations[0].planned == 3


def test_a_user_who_moves_enters_while_the_old_contact_is_held(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "new-a@x.io"), (VIP, "u2", "new-b@x.io")])
    world.extra = "[guard]\nmin_removed = 2"

    held_run = world.sync()

    assert_held(held_run)
    assert world.believed() == truth([(VIP, "", f"{name}@x.io") for name in ("a", "b", "new-a", "new-b")])
    world.approve(held_run.report.run_id)
    count = world.receiver.event_count
    assert sync.exit_code(world.sync()) == 0
    told = [
        (each.event["traits"]["email"], each.event["traits"]["vip_buyers"]) for each in world.receiver.events[count:]
    ]
    assert sorted(told[:2]) == [("a@x.io", False), ("b@x.io", False)]
    assert sorted(told[2:]) == [("new-a@x.io", True), ("new-b@x.io", True)]  # Segment keys by user id too
    assert world.receiver.belief_by_user == {"u1": {"vip_buyers": True}, "u2": {"vip_buyers": True}}
