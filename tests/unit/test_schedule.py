"""When the daemon runs, without waiting for it."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from syncer.schedule import Cadence, cron_problem

START = datetime(2026, 3, 23, 8, 0, tzinfo=UTC)


def times(cadence: Cadence, first: datetime, until: datetime) -> list[datetime]:
    """When it runs, if each run begins as soon as it is due."""
    found, due = [], cadence.next(first)
    while due < until:
        found.append(due)
        due = cadence.next(due)
    return found


def on_the_wall(cadence: Cadence, day: str, days: int = 2) -> list[str]:
    """The runs of some days, as a clock in its zone shows them."""
    zone = ZoneInfo(cadence.timezone)
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    found = times(cadence, midnight - timedelta(seconds=1), midnight + timedelta(days=days))
    return [moment.astimezone(zone).strftime("%d %H:%M %z") for moment in found]


def test_a_week_of_runs_every_two_to_three_hours() -> None:
    random.seed(7)

    found = times(Cadence(), START, START + timedelta(days=7))

    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert 60 <= len(found) <= 75
    assert timedelta(hours=2) <= min(gaps) < timedelta(hours=2, minutes=10)
    assert timedelta(hours=2, minutes=50) < max(gaps) <= timedelta(hours=3)


def test_a_clock_that_changes_twice_a_year_neither_doubles_nor_drops_a_run() -> None:
    zone = ZoneInfo("Europe/Berlin")  # 29 March 2026, 02:00 becomes 03:00
    cadence = Cadence(cron="30 6 * * mon-sun", timezone="Europe/Berlin")

    found = times(cadence, START, START + timedelta(days=14))

    assert len(found) == 14
    assert {moment.astimezone(zone).strftime("%H:%M") for moment in found} == {"06:30"}


@pytest.mark.parametrize(
    ("zone", "day", "cron", "expected"),
    [
        # The day after a change at night: its midnight is 23 hours later.
        ("Europe/Berlin", "2026-03-29", "0 0 * * *", ["29 00:00 +0100", "30 00:00 +0200"]),
        ("America/New_York", "2026-03-08", "0 0 * * *", ["08 00:00 -0500", "09 00:00 -0400"]),
        ("Europe/Berlin", "2026-10-25", "0 0 * * *", ["25 00:00 +0200", "26 00:00 +0100"]),
        # There is no midnight on that day.
        ("Africa/Cairo", "2026-04-24", "0 0 * * *", ["24 01:00 +0300", "25 00:00 +0300"]),
        # A time that is skipped, and one that is there twice.
        ("Europe/Berlin", "2026-03-29", "30 2 * * *", ["29 03:30 +0200", "30 02:30 +0200"]),
        ("Europe/Berlin", "2026-10-25", "30 2 * * *", ["25 02:30 +0200", "26 02:30 +0100"]),
        ("Europe/Berlin", "2026-03-28", "0 0 * * mon-fri", []),
        ("Europe/Berlin", "2026-03-30", "0 0 * * mon-fri", ["30 00:00 +0200", "31 00:00 +0200"]),
    ],
)
def test_no_day_of_a_year_is_lost_or_doubled(zone: str, day: str, cron: str, expected: list[str]) -> None:
    assert on_the_wall(Cadence(cron=cron, timezone=zone), day) == expected


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
@pytest.mark.parametrize(
    ("zone", "cron", "minutes"), [("Europe/Berlin", "*/30 * * * *", 30), ("Australia/Lord_Howe", "0 * * * *", 60)]
)
def test_what_runs_every_hour_keeps_its_distance(day: str, zone: str, cron: str, minutes: int) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = times(Cadence(cron=cron, timezone=zone), start, start + timedelta(days=1))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("planned", "last_began", "first"),
    [
        (None, None, timedelta(0)),  # nobody ever ran
        (None, timedelta(hours=-1), timedelta(hours=1, minutes=30)),  # the first daemon after a command
        (timedelta(hours=1), timedelta(hours=-1), timedelta(hours=1)),  # a restart
        (timedelta(hours=-9), timedelta(hours=-12), timedelta(0)),  # the machine slept: one run, at once
        (timedelta(days=30), timedelta(hours=-1), timedelta(hours=2)),  # it was a slower cadence before
        (timedelta(days=366), timedelta(days=365), timedelta(0)),  # the clock was ahead, and was set back
        (timedelta(hours=5), timedelta(hours=3), timedelta(0)),
        (timedelta(hours=2), timedelta(days=365), timedelta(hours=2)),  # and nothing has run since
        (None, timedelta(seconds=2), timedelta(hours=2, minutes=30)),  # the state's clock is a little ahead
    ],
)
def test_a_daemon_that_starts_knows_what_is_due(
    planned: timedelta | None, last_began: timedelta | None, first: timedelta
) -> None:
    due = Cadence().first(
        START, None if planned is None else START + planned, None if last_began is None else START + last_began
    )
    assert due == START + first


def test_by_the_clock_what_was_missed_is_run_once() -> None:
    cadence = Cadence(cron="0 6 * * mon-fri")
    friday = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)
    assert cadence.first(START, None, friday) == START  # Monday 08:00; it was due at 06:00
    assert cadence.first(START, None, START - timedelta(hours=1)) == datetime(2026, 3, 24, 6, 0, tzinfo=UTC)


def test_the_usual_distance() -> None:
    assert Cadence().interval(START) == timedelta(hours=2, minutes=30)
    assert Cadence(cron="0 6 * * mon-fri").interval(START) == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 6 * * mon-fri", None),
        ("*/15 * * * *", None),
        ("0 6 * * 1", "name weekdays"),
        ("0 6 * * 1-5", "name weekdays"),
        ("0 6 * *", "five fields"),
        ("0 25 * * *", "no cron expression"),
        ("soon", "five fields"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("0 0 29 2 mon", None),
    ],
)
def test_what_is_wrong_with_a_cron_expression(text: str, words: str | None) -> None:
    problem = cron_problem(text)
    assert problem is None if words is None else words in str(problem)
