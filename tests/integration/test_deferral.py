"""What a run cannot tell before the next one is due waits for that, and delays nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncer import app, opening, sync
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.world import Quiet, World, members, truth

pytestmark = pytest.mark.usefixtures("unguarded")

NEW = "New Customers"


def run_until(world: World, seconds: float) -> sync.Result:
    """As the daemon runs, the next run being due so soon."""
    with app.opened(opening.load(world.config, {})) as opened:
        job = replace(opened.job(), until=datetime.now(UTC) + timedelta(seconds=seconds))
        return sync.sync(job, RunStart("schedule"), Stop(), Quiet())


def test_a_large_first_sync_goes_in_portions_and_the_others_changes_first(world: World) -> None:
    world.destination_extra = "max_events_per_second = 1000"
    world.warehouse.replace(members(10))
    world.sync()
    new = members(2500, NEW, first=1000)

    world.warehouse.replace([*members(12, first=2), *new])
    first = run_until(world, 1.0)

    assert sync.exit_code(first) == 0
    told_now = first.report.destinations[0].succeeded
    assert 500 <= told_now <= 6 + 1000
    assert told_now + first.report.deferred == 6 + 2500
    assert world.believed() >= truth(members(12, first=2))
    told = [received.event["traits"] for received in world.receiver.events[10:]]
    assert all("vip_buyers" in traits for traits in told[:6])
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed["deferred"]) == (0, first.report.deferred)
    assert world.query("SELECT count(*) FROM initial_sync") == [(1,)]

    world.warehouse.replace([*members(12, first=2), *new[:2400]])
    for _ in range(5):
        if run_until(world, 1.0).report.deferred == 0:
            break

    assert world.believed() == truth([*members(12, first=2), *new[:2400]])
    assert world.query("SELECT count(*) FROM initial_sync") == [(2,)]
    assert world.verify().differences == 0


def test_a_page_is_planned_however_late_it_is(world: World) -> None:
    world.destination_extra = "max_events_per_second = 100"
    world.warehouse.replace(members(250))

    result = run_until(world, -60.0)

    assert (result.report.destinations[0].succeeded, result.report.deferred) == (100, 150)


def test_without_a_limit_nothing_is_deferred(world: World) -> None:
    world.warehouse.replace(members(250))

    assert run_until(world, 0.0).report.deferred == 0
    assert world.believed() == truth(members(250))
