"""When to run: at an interval with some jitter, or by a cron expression. Arithmetic only; nothing here waits.

APScheduler's cron fields find the times, on a calendar without summer time: its own arithmetic adds days of 24 hours,
and so loses the day after a clock was put forward at midnight. Its `from_crontab` counts weekdays from Monday where
cron counts from Sunday, so weekdays are taken by name only.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_CRON_FIELDS = 5

_CLOCK_CHANGE = timedelta(hours=3)
"""More than any clock is put forward or back for summer time."""

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_SKEW = timedelta(minutes=1)
"""By how much the clocks of this machine and of the state may differ."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A run every `every` seconds after the last one began, give or take `jitter` seconds; or, instead of both, by
    `cron` in `timezone`."""

    every: float = 9000.0
    jitter: float = 1800.0
    cron: str | None = None
    timezone: str = "UTC"

    def next(self, began: datetime) -> datetime:
        """When to run after a run that began then."""
        if self.cron is not None:
            return self.after(began)
        return began + timedelta(seconds=self.every + random.uniform(-self._jitter, self._jitter))  # nosec B311 # no secret

    def after(self, moment: datetime) -> datetime:
        """When a run is due whose predecessor began at `moment`, jitter aside."""
        if self.cron is None:
            return moment + timedelta(seconds=self.every)
        return _cron(self.cron, self.timezone).after(moment) or _NEVER

    def latest(self, moment: datetime) -> datetime:
        """The same, jitter included. From now on nothing is due later than `latest(now)`: if it seems to be, the clock
        was ahead, or the cadence another one."""
        return self.after(moment) if self.cron is not None else self.after(moment) + timedelta(seconds=self._jitter)

    def first(self, now: datetime, planned: datetime | None, last_began: datetime | None) -> datetime:
        """When a daemon that starts `now` runs first: at once if there never was a run or one is overdue; else when the
        daemon before it wanted to (`planned`), but no later than this cadence allows after the last run."""
        is_plausible = planned is not None and planned <= self.latest(now)
        if last_began is None or (last_began > now + _SKEW and not is_plausible):
            return now  # a last run that is yet to come: the clock was ahead, and nobody knows when it was
        last_began = min(last_began, now)
        return max(now, self.after(last_began) if planned is None else min(planned, self.latest(last_began)))

    def interval(self, now: datetime) -> timedelta:
        """The time between the next two runs."""
        following = self.after(now)
        return self.after(following) - following

    @property
    def _jitter(self) -> float:
        return min(self.jitter, self.every / 2)


class _Cron:
    """The times of a cron expression in a zone.

    A time that is skipped when the clock is put forward comes as much later. One that is there twice when the clock is
    put back comes once, but twice if the expression has a `*` for the hour: then the distance is what counts.
    """

    def __init__(self, text: str, timezone: str) -> None:
        from apscheduler.triggers.cron import CronTrigger  # takes a while, and most schedules are an interval

        self._times = CronTrigger.from_crontab(text, timezone=UTC)
        self._every_hour = "*" in text.split()[1]
        self._zone = ZoneInfo(timezone)

    def after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None if none ever comes."""
        on_the_wall = moment.astimezone(self._zone).replace(tzinfo=UTC)
        before, beyond = on_the_wall - _CLOCK_CHANGE, on_the_wall + _CLOCK_CHANGE
        is_near_a_change = self._offset(before) != self._offset(beyond)
        found: list[datetime] = []
        for time in self._from(before if is_near_a_change else on_the_wall):
            found += [each for each in self._moments(time) if each > moment]
            if found and (time > beyond or not is_near_a_change):
                break
        return min(found, default=None)

    def _from(self, start: datetime) -> Iterator[datetime]:
        """The times on the wall, in their order."""
        time = self._times.get_next_fire_time(None, start)
        while time is not None:
            yield time
            time = self._times.get_next_fire_time(None, time + timedelta(seconds=1))

    def _moments(self, time: datetime) -> list[datetime]:
        """When the wall shows this time."""
        first, second = (time.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        twice = self._every_hour and (first.utcoffset() or timedelta()) > (second.utcoffset() or timedelta())
        return [each.astimezone(UTC) for each in ((first, second) if twice else (first,))]

    def _offset(self, time: datetime) -> timedelta | None:
        return time.replace(tzinfo=self._zone).utcoffset()


@cache
def _cron(text: str, timezone: str) -> _Cron:
    return _Cron(text, timezone)


def cron_problem(text: str) -> str | None:
    """Why a cron expression cannot be used, or None."""
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        return 'must have five fields: minute, hour, day, month, weekday; such as "0 6 * * mon-fri"'
    if re.search(r"(?<![#/])\d", fields[-1]):
        return "must name weekdays (sun, mon, …): programs do not agree on which day 0 is"
    try:
        comes = _Cron(text, "UTC").after(datetime.now(UTC))
    except ValueError as error:
        return f"is no cron expression: {error}"
    return None if comes else "never comes: the calendar has no such day"
