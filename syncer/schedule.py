"""When to run: at an interval with some jitter, or by a cron expression. Arithmetic on APScheduler's triggers.

APScheduler's own defaults drop a run that comes more than a second late, so lateness is never a reason here. Its
`from_crontab` counts weekdays from Monday where cron counts from Sunday, so weekdays are taken by name only.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

_CRON_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Cadence:
    """A run every `every` seconds after the last one began, give or take `jitter` seconds; or, instead of both, by
    `cron` in `timezone`."""

    every: float = 9000.0
    jitter: float = 1800.0
    cron: str | None = None
    timezone: str = "UTC"

    def trigger(self, first: datetime) -> BaseTrigger:
        """Fires at `first`, then as this says."""
        zone = ZoneInfo(self.timezone)
        if self.cron is not None:
            return CronTrigger.from_crontab(self.cron, timezone=zone)
        jitter = min(self.jitter, self.every / 2)
        # Its jitter only ever delays a run.
        return IntervalTrigger(
            seconds=self.every - jitter, start_date=first, timezone=zone, jitter=2 * jitter if jitter else None
        )

    def first(self, now: datetime, planned: datetime | None, last_began: datetime | None) -> datetime:
        """When a daemon that starts `now` runs first: at once if there never was a run or one is overdue; else when the
        daemon before it wanted to (`planned`), but no later than this cadence allows after the last run."""
        if last_began is None:
            return now
        after_last = self._after(last_began)
        due = after_last if planned is None else min(planned, after_last + timedelta(seconds=self.jitter))
        return max(now, due)

    def interval(self, now: datetime) -> timedelta:
        """The usual time between two runs."""
        if self.cron is None:
            return timedelta(seconds=self.every)
        following = self._after(now)
        return self._after(following) - following

    def _after(self, moment: datetime) -> datetime:
        if self.cron is None:
            return moment + timedelta(seconds=self.every)
        trigger = CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.timezone))
        found: datetime | None = trigger.get_next_fire_time(moment, moment + timedelta(microseconds=1))
        return found.astimezone(UTC) if found else datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


def cron_problem(text: str) -> str | None:
    """Why a cron expression cannot be used, or None."""
    fields = text.split()
    if len(fields) != _CRON_FIELDS:
        return 'must have five fields: minute, hour, day, month, weekday; such as "0 6 * * mon-fri"'
    if re.search(r"(?<![#/])\d", fields[-1]):
        return "must name weekdays (sun, mon, …): programs do not agree on which day 0 is"
    try:
        CronTrigger.from_crontab(text, timezone=UTC)
    except ValueError as error:
        return f"is no cron expression: {error}"
    return None
