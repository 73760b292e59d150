"""When the daemon runs, without waiting for it."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from syncer.schedule import Cadence, cron_problem

START = datetime(2026, 3, 23, 8, 0, tzinfo=UTC)


def times(cadence: Cadence, first: datetime, until: datetime) -> list[datetime]:
    """When it fires, as a scheduler asks it: anew after each time."""
    trigger, found, now = cadence.trigger(first), [], first
    previous = None
    while (due := trigger.get_next_fire_time(previous, now)) and due < until:
        found.append(due.astimezone(UTC))
        previous, now = due, due
    return found


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
    ("planned", "last_began", "first"),
    [
        (None, None, timedelta(0)),  # nobody ever ran
        (None, timedelta(hours=-1), timedelta(hours=1, minutes=30)),  # the first daemon after a command
        (timedelta(hours=1), timedelta(hours=-1), timedelta(hours=1)),  # a restart
        (timedelta(hours=-9), timedelta(hours=-12), timedelta(0)),  # the machine slept: one run, at once
        (timedelta(days=30), timedelta(hours=-1), timedelta(hours=2)),  # it was a slower cadence before
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
    ],
)
def test_what_is_wrong_with_a_cron_expression(text: str, words: str | None) -> None:
    problem = cron_problem(text)
    assert problem is None if words is None else words in str(problem)
