"""A destination that answers nobody is down: no contact is to blame, however long it takes (rules 18, 19)."""

from collections.abc import Callable

import pytest

from syncer import sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Hang, Reset, Truncate
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, World, members, truth

RUNS = 12

DOWN = {
    "unavailable": Answer(503),
    "broken, and applied": Answer(500, apply=EVERYTHING),
    "reset": Reset(),
    "cut off": Truncate(),
}


def always(fault: Fault) -> Callable[[ReceivedRequest], Fault]:
    return lambda _: fault


@pytest.mark.parametrize(("fault", "count"), list(zip(DOWN.values(), (1, 3, 3, 1), strict=True)), ids=DOWN)
def test_an_outage_is_never_a_success_and_is_held_against_nobody(world: World, fault: Fault, count: int) -> None:
    world.warehouse.replace(members(count))
    world.receiver.script = always(fault)
    for _ in range(RUNS):
        result = world.sync()
        assert sync.exit_code(result) == 6
        assert result.report.status != Status.SUCCEEDED
        assert result.report.destinations[0].planned == count
    assert world.query("SELECT * FROM refused_contacts") == []
    assert world.query("SELECT DISTINCT others, alone FROM unanswered_contact") == [(0, 0)]

    world.receiver.script = None
    before = len(world.receiver.requests)
    assert sync.exit_code(world.sync()) == 0

    assert world.believed() == truth(members(count))
    assert len(world.receiver.requests) == before + 1  # no page is smaller than before
    assert world.query("SELECT * FROM unanswered_contact") == []


def test_an_outage_after_a_healthy_time_holds_nothing_against_anybody(world: World) -> None:
    """Some are told, then everything is down, for those who leave too."""
    world.warehouse.replace(members(20))
    world.sync()
    rows = [*members(10, first=5), *members(3, CHURN, first=50)]
    world.warehouse.replace(rows)
    world.receiver.script = always(Answer(503))
    for _ in range(RUNS):
        assert sync.exit_code(world.sync()) == 6
    assert world.query("SELECT * FROM refused_contacts") == []

    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(rows)


def test_a_destination_that_hangs_is_down(world: World) -> None:
    world.destination_extra = 'max_events_per_second = 0\ntimeout = "50ms"'
    world.warehouse.replace(members(2))
    world.receiver.script = always(Hang())
    for _ in range(4):
        assert sync.exit_code(world.sync()) == 6

    assert world.query("SELECT DISTINCT others, alone FROM unanswered_contact") == [(0, 0)]
    assert world.query("SELECT * FROM refused_contacts") == []


def test_who_was_refused_for_not_answering_is_no_further_blamed_while_the_destination_is_down(world: World) -> None:
    """Three runs in which others were answered; after that nobody is."""
    world.warehouse.replace(members(5))
    world.receiver.script = lambda request: (
        Reset() if any(event["traits"]["email"] == "u0000@x.io" for event in request.events) else None
    )
    known = 5
    listed: list[tuple[str, int]] = []
    while not listed:
        world.warehouse.replace(members(known))
        world.sync()
        known += 1
        assert known < 25
        listed = world.query("SELECT contact, tries FROM refused_contacts")
    assert listed == [("u0000@x.io", 1)]

    world.receiver.script = always(Reset())
    for _ in range(3):
        assert sync.exit_code(world.sync()) == 6
    assert world.query("SELECT contact, tries FROM refused_contacts") == [("u0000@x.io", 1)]

    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert world.query("SELECT * FROM refused_contacts") == []


def test_everybody_else_is_told_although_nothing_but_one_page_waits(world: World) -> None:
    """Nobody else is to be told anything: that others are answered is found out by the last attempt of a page."""
    rows = members(12)
    world.warehouse.replace(rows)
    bad = "u0000@x.io"
    world.receiver.script = lambda request: (
        Reset() if any(event["traits"]["email"] == bad for event in request.events) else None
    )
    others = truth(row for row in rows if row[2] != bad)
    for _ in range(14):
        result = world.sync()
        assert sync.exit_code(result) == 6
        if world.believed() == others:
            break

    assert world.believed() == others
    assert sync.exit_code(world.sync()) == 6
    assert world.query("SELECT * FROM refused_contacts") == []
    world.warehouse.replace(rows[1:])
    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == others
