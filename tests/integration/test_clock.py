"""A daemon whose clock is set while it waits for its next run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from syncer import app, opening
from syncer.daemon import serve
from syncer.schedule import Cadence
from syncer.state import leadership
from syncer.stopping import Stop
from tests.world import World, members, truth, until


class Clock(datetime):
    """The time of day that `serve` sees."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        real = datetime.now(tz) + cls.ahead
        return cls.fromtimestamp(real.timestamp(), tz)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Clock]]:
    monkeypatch.setattr(serve, "datetime", Clock)
    monkeypatch.setattr(serve, "_ROUND_SECONDS", 0.02)
    yield Clock
    Clock.ahead = timedelta(0)


@contextmanager
def serving(world: World, cadence: Cadence) -> Iterator[None]:
    signals = serve.Signals()
    with app.opened(opening.load(world.config, {})) as opened:
        served = threading.Thread(target=serve.serve, args=(opened.state, opened.job, cadence, signals))
        served.start()
        try:
            yield
        finally:
            signals.stop.asked.set()
            served.join(30)


def next_due(world: World) -> datetime:
    [(due,)] = world.query("SELECT next_due_at FROM schedule")
    assert isinstance(due, datetime)
    return due


def runs(world: World) -> int:
    [(count,)] = world.query("SELECT count(*) FROM run WHERE phase = 'closed'")
    return int(count)


@pytest.mark.parametrize("cadence", [Cadence(every=3600, jitter=600), Cadence(cron="0 * * * *")])
def test_a_clock_that_was_ahead_and_is_set_back(world: World, clock: type[Clock], cadence: Cadence) -> None:
    world.warehouse.replace(members(1))
    clock.ahead = timedelta(days=366)
    with serving(world, cadence):
        until(lambda: runs(world) == 1)
        assert next_due(world) > datetime.now(UTC) + timedelta(days=365)
        clock.ahead = timedelta(0)
        until(lambda: next_due(world) <= datetime.now(UTC) + timedelta(seconds=4200))
    world.query("UPDATE schedule SET next_due_at = now() + interval '1 year' RETURNING next_due_at")
    world.query("UPDATE run SET started_at = now() + interval '1 year' RETURNING run_id")
    world.warehouse.replace(members(2))
    with serving(world, cadence):
        until(lambda: world.believed() == truth(members(2)))


def test_a_run_begins_when_it_is_due_and_not_at_the_next_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_ROUND_SECONDS", 3600)
    world.warehouse.replace(members(1))
    with serving(world, Cadence(every=0.2, jitter=0)):
        until(lambda: runs(world) >= 3)


def test_a_run_that_a_restart_broke_off_is_still_owed(world: World, clock: type[Clock]) -> None:
    world.warehouse.replace(members(1))
    stop = Stop()
    stop.asked.set()
    assert world.sync(stop).report.status == "interrupted"
    with serving(world, Cadence(every=3600, jitter=0)):
        until(lambda: world.believed() == truth(members(1)))


def test_an_interval_is_over_when_it_has_passed_whatever_the_time_of_day_is(
    world: World, clock: type[Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is set back by ten minutes in the middle of an hour."""
    real, passed = leadership.clock, [0.0]
    monkeypatch.setattr(leadership, "clock", lambda: real() + passed[0])
    monkeypatch.setattr(leadership, "LEASE_SECONDS", 10_000.0)
    world.warehouse.replace(members(1))
    with serving(world, Cadence(every=3600, jitter=0)):
        until(lambda: runs(world) == 1)
        clock.ahead = timedelta(minutes=50)
        passed[0] = 3601.0
        until(lambda: runs(world) == 2)
