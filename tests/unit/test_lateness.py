"""When syncing counts as late: a due time has passed, and no run is under way that moves."""

from datetime import UTC, datetime, timedelta

import pytest

from syncer.daemon.lateness import Standing, judge
from syncer.schedule import Cadence

STALL_TIMEOUT = 900.0
OFFICE_HOURS = Cadence(cron="*/30 8-18 * * mon-fri")
MORNINGS = Cadence(cron="0 6 * * mon-fri")
OFTEN = Cadence(every=9000, jitter=1800)


def at(text: str) -> datetime:
    """A time in the week that begins on Monday, 6 July 2026."""
    day, clock = text.split()
    number = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon2", "tue2"].index(day)
    return datetime.fromisoformat(f"2026-07-06 {clock}").replace(tzinfo=UTC) + timedelta(days=number)


def late(cadence: Cadence, now: str, good: str | None, moved: str | None = None) -> str | None:
    run_id, moved_at = (7, at(moved)) if moved else (None, None)
    standing = Standing(at(now), at(good) if good else None, run_id, moved_at)
    return judge(standing, cadence, STALL_TIMEOUT, at("mon 00:00")).late


@pytest.mark.parametrize(
    ("cadence", "now", "good"),
    [
        (MORNINGS, "sat 12:00", "fri 06:00"),
        (MORNINGS, "mon2 06:59", "fri 06:00"),
        (OFFICE_HOURS, "sat 03:00", "fri 18:30"),
        (OFFICE_HOURS, "tue 07:59", "mon 18:30"),
        (OFFICE_HOURS, "tue 08:29", "mon 18:30"),
        (OFTEN, "tue 03:59", "tue 00:00"),
        (OFTEN, "mon 00:59", None),
    ],
)
def test_on_time(cadence: Cadence, now: str, good: str | None) -> None:
    assert late(cadence, now, good) is None


@pytest.mark.parametrize(
    ("cadence", "now", "good", "due"),
    [
        (MORNINGS, "mon2 07:01", "fri 06:00", "2026-07-13 06:00:00"),
        (MORNINGS, "tue 07:01", "mon 06:00", "2026-07-07 06:00:00"),
        (OFFICE_HOURS, "tue 08:31", "mon 18:30", "2026-07-07 08:00:00"),
        (OFFICE_HOURS, "mon 19:31", "mon 18:00", "2026-07-06 18:30:00"),
        (OFTEN, "tue 04:01", "tue 00:00", "2026-07-07 03:00:00"),
        (OFTEN, "mon 01:01", None, "2026-07-06 00:00:00"),
    ],
)
def test_a_due_time_has_passed(cadence: Cadence, now: str, good: str | None, due: str) -> None:
    assert f"one was due at {due} UTC" in str(late(cadence, now, good))


def test_a_long_run_that_moves_is_not_late_however_long_it_takes() -> None:
    assert late(OFTEN, "fri 12:00", "mon 00:00", moved="fri 11:50") is None


def test_a_run_that_stands_still_is_late_before_the_next_one_is_due() -> None:
    assert late(OFTEN, "tue 00:20", "tue 00:00", moved="tue 00:04") == "run 7 has not moved for 16 minutes"


def test_it_is_on_time_again_only_when_a_run_has_done_its_work() -> None:
    catching_up = Standing(at("fri 12:00"), at("mon 00:00"), 7, at("fri 11:59"))
    assert not judge(catching_up, OFTEN, STALL_TIMEOUT, at("mon 00:00")).is_on_time
    done = Standing(at("fri 12:00"), at("fri 11:59"), None, None)
    assert judge(done, OFTEN, STALL_TIMEOUT, at("mon 00:00")).is_on_time
