"""Audiences, destinations and everything, paused and resumed (rules 2 and 24)."""

import pytest

from syncer import control, sync
from syncer.models import Status
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World, members, truth


def second_destination(receiver: SegmentReceiver) -> str:
    return (
        '\n[[destinations]]\nname = "second"\ntype = "segment"\nwrite_key = "test-write-key"\n'
        f'endpoint = "{receiver.url}"\nmax_events_per_second = 0\n'
    )


def believed(receiver: SegmentReceiver) -> set[tuple[str, str]]:
    return {(who, name) for who, values in receiver.belief.items() for name, value in values.items() if value is True}


@pytest.mark.parametrize("what", ["audience", "destination", "audience at destination", "everything"])
def test_what_is_paused_is_told_nothing_until_it_is_resumed(world: World, what: str) -> None:
    with SegmentReceiver("test-write-key") as second:
        world.destination_extra += second_destination(second)
        before = members(4) + members(4, CHURN)
        world.warehouse.replace(before)
        world.sync()
        audiences = (VIP,) if what.startswith("audience") else ()
        destinations = ("segment",) if what.endswith("destination") else ()
        world.pause(*audiences, destinations=destinations)
        world.pause(*audiences, destinations=destinations)
        after = members(3, first=2) + members(3, CHURN, first=2)
        world.warehouse.replace(after)

        result = world.sync()

        assert sync.exit_code(result) == 0
        vip = {pair for pair in truth(before) if pair[1] == "vip_buyers"}
        churn = {pair for pair in truth(after) if pair[1] == "churn_risk"}
        assert world.believed() == (vip | churn if audiences else truth(before))
        if what == "everything":
            assert believed(second) == truth(before)
        else:
            assert believed(second) == (vip | churn if what == "audience" else truth(after))
        audit = world.verify()
        assert audit.differences == 0
        assert audit.paused == [
            {
                "destination": "segment" if destinations else None,
                "audience": VIP if audiences else None,
                "since": audit.paused[0]["since"],
            }
        ]
        assert world.sync().report.destinations[0].planned == 0  # it survives

        assert world.resume(*audiences, destinations=destinations) == 1
        assert sync.exit_code(world.sync()) == 0
        assert world.believed() == believed(second) == truth(after)
        assert world.verify().paused == []
        assert second.violations == []


def test_to_resume_one_destination_does_not_resume_everything(world: World) -> None:
    world.pause()
    world.warehouse.replace(members(2))

    assert world.resume(destinations=("segment",)) == 0

    world.sync()
    assert world.receiver.requests == []


def test_a_paused_audience_does_not_take_its_rows_for_exits_elsewhere(world: World) -> None:
    """The contact of a paused audience is told about its others, and held things stay as they are."""
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4) + members(4, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(4, CHURN))
    run_id = world.sync().report.run_id or 0
    held = world.query("SELECT contact, xmin::text FROM held_change ORDER BY 1")
    world.pause(VIP)
    world.warehouse.replace(members(3, CHURN))

    result = world.sync()

    assert sync.exit_code(result) == 5  # it still waits
    assert world.believed() == truth(members(4) + members(3, CHURN))
    assert world.query("SELECT contact, xmin::text FROM held_change ORDER BY 1") == held
    with world.state() as state:
        assert control.approve(state, run_id) == 3
    world.sync()
    assert world.believed() == truth(members(4) + members(3, CHURN))
    world.warehouse.replace(members(1) + members(3, CHURN))
    world.resume(VIP)
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(3, CHURN))


@pytest.mark.parametrize("what", ["audience", "destination", "everything"])
def test_a_pause_that_comes_in_the_middle_stops_the_pages_that_are_left(world: World, what: str) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    rows = members(1200) + members(400, CHURN, first=1200)
    world.warehouse.replace(rows)

    def in_the_first(request: ReceivedRequest) -> None:
        if request.number == 1:
            world.pause(
                *([VIP] if what == "audience" else []),
                destinations=("segment",) if what == "destination" else (),
            )

    world.receiver.script = in_the_first
    result = world.sync()

    assert (result.report.status, result.report.destinations[0].status) == (Status.INTERRUPTED, Status.INTERRUPTED)
    told = set(world.receiver.belief)
    assert {f"u{number:04d}@x.io" for number in range(500)} <= told
    if what == "audience":  # the last page holds nobody else
        assert not told & {f"u{number:04d}@x.io" for number in range(500, 1200)}
        assert f"u{1599:04d}@x.io" in told
    else:
        assert len(told) == 500
    done = world.receiver.event_count
    world.sync()
    assert world.verify().differences == 0
    assert set(world.receiver.belief) >= {f"u{number:04d}@x.io" for number in range(1200, 1600)} or what != "audience"

    left = rows[100:]  # a hundred of those who were told leave meanwhile
    world.warehouse.replace(left)
    world.resume(*([VIP] if what == "audience" else []), destinations=("segment",) if what == "destination" else ())
    last = world.sync()
    assert sync.exit_code(last) == 0
    assert last.report.audiences[-1].initial
    assert world.believed() == truth(left)
    assert world.receiver.event_count == 1600 + 100
    assert done < 1600
    assert world.verify().differences == 0


def test_an_audience_can_be_paused_ahead_of_its_first_sync(world: World) -> None:
    world.extra = GUARD_FROM_TWO + f'[[audiences]]\nname = "{VIP}"'
    world.pause(VIP)
    world.warehouse.replace(members(4) + members(1, CHURN))
    world.sync()
    assert world.believed() == truth(members(1, CHURN))
    world.resume(VIP)

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert world.believed() == truth(members(4) + members(1, CHURN))
