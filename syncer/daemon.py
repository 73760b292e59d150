"""The daemon: leads for as long as it lives, or stands by until it can; runs when a run is due, one at a time.

    standing by ──lock──▶ leading ──due──▶ running ──▶ leading ──▶ …
         ▲                   │ the session, or the lease, is lost
         └───────────────────┘

APScheduler says when a run is due; the main thread runs it, because that is where signals arrive. What becomes due
while a run is under way is one run, and it follows at once. Nothing here is needed to get the state right: a daemon
that is killed is a run that was left open, and the next leader settles it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from apscheduler.job import Job as Due
from apscheduler.schedulers.background import BackgroundScheduler

from syncer import errors, leadership, migrations, sync
from syncer.leadership import Leadership
from syncer.schedule import Cadence
from syncer.state import Connection, one, run
from syncer.stopping import Interrupted, Stop

ROUND_SECONDS = 0.5
"""So often the daemon looks around: whether a run is due, whether it still leads."""

_STAND_BY_SECONDS = 1.0
_MAX_BACKOFF_SECONDS = 30.0

log = structlog.get_logger()


class Watcher(Protocol):
    """Told what happens in the daemon. Never raises, never takes long."""

    def beat(self) -> None:
        """The daemon's loop went round, or a run made progress."""

    def leads(self, leading: bool) -> None:  # noqa: FBT001
        """It leads from now on, or stands by."""

    def due(self, at: datetime | None, interval: timedelta) -> None:
        """When the next run is due, and the usual distance between two."""

    def ran(self, result: sync.Result) -> None:
        """A run has ended."""


@dataclass(slots=True)
class Wishes:
    """What signals ask for: to `stop`, or to read the configuration again."""

    stop: Stop = field(default_factory=Stop)
    reload: threading.Event = field(default_factory=threading.Event)

    def any(self) -> bool:
        """Whether the daemon has to leave what it is doing, once the run in progress has ended."""
        return self.stop.asked.is_set() or self.reload.is_set()

    def wait(self, seconds: float) -> None:
        """Waits, but not when there is a wish to stop."""
        self.stop.asked.wait(seconds)


def serve(job: sync.Job, cadence: Cadence, wishes: Wishes, watchers: Sequence[Watcher] = ()) -> None:
    """Leads or stands by until there is a wish. Whatever happens to the state's database is waited out."""
    backoff = _STAND_BY_SECONDS
    stands_by = False
    while not wishes.any():
        try:
            with job.state.connect("daemon") as connection:
                migrations.check(connection, job.state.schema)
                with leadership.lead(job.state, connection, kind="daemon") as leading:
                    log.info("leading")
                    stands_by, backoff = False, _STAND_BY_SECONDS
                    _Leader(job, cadence, wishes, watchers, leading).lead()
            if not wishes.any():
                log.warning("the lease was lost; standing by")
        except errors.SyncLockedError as error:
            if not stands_by:
                log.info("standing by", leader=str(error))
            stands_by = True
            _tell_standing_by(watchers)
            wishes.wait(_STAND_BY_SECONDS)
        except (errors.StateError, errors.NotOursError) as error:
            log.warning("the state cannot be used; trying again", error=str(error), seconds=backoff)
            stands_by = False
            _tell_standing_by(watchers)
            wishes.wait(backoff)
            backoff = min(_MAX_BACKOFF_SECONDS, backoff * 2)


def _tell_standing_by(watchers: Sequence[Watcher]) -> None:
    for watcher in watchers:
        watcher.leads(False)  # noqa: FBT003
        watcher.beat()


@dataclass(slots=True)
class _Leader:
    """Runs what is due, for as long as the lease is good."""

    job: sync.Job
    cadence: Cadence
    wishes: Wishes
    watchers: Sequence[Watcher]
    leading: Leadership
    _is_due: threading.Event = field(default_factory=threading.Event)
    _told: datetime | None = None
    _expected: datetime | None = None

    def lead(self) -> None:
        for watcher in self.watchers:
            watcher.leads(True)  # noqa: FBT003
        scheduler = BackgroundScheduler(timezone=UTC)
        first = self._first()
        due = scheduler.add_job(
            self._is_due.set,
            self.cadence.trigger(first),
            next_run_time=first,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        scheduler.start()
        try:
            while not self.wishes.any() and self.leading.lease.good():
                self._go_round(due, scheduler)
        finally:
            scheduler.shutdown(wait=False)

    def _first(self) -> datetime:
        known = one(self.connection, "show_schedule")
        return self.cadence.first(datetime.now(UTC), known.next_due_at, known.last_began_at)

    @property
    def connection(self) -> Connection:
        return self.leading.connection

    def _go_round(self, due: Due, scheduler: BackgroundScheduler) -> None:
        for watcher in self.watchers:
            watcher.beat()
        self._remember(due)
        if self._is_due.is_set():
            self._is_due.clear()
            self._run()
            self._remember(due)
            return
        if due.next_run_time is not None and due.next_run_time < datetime.now(UTC):
            scheduler.wakeup()  # its own clock stands still while the machine sleeps
        self._is_due.wait(ROUND_SECONDS)

    def _remember(self, due: Due) -> None:
        """The next run's time, where the next daemon finds it."""
        at = due.next_run_time
        if at is None or at == self._told:
            return
        self._expected, self._told = self._told, at
        run(self.connection, "remember_due", {"next_due_at": at, "token": self.leading.token})
        for watcher in self.watchers:
            watcher.due(at, self.cadence.interval(at))
        log.info("the next run is due", at=at.astimezone(UTC).isoformat(timespec="seconds"))

    def _run(self) -> None:
        scheduled_at = self._expected or datetime.now(UTC)
        try:
            result = sync.run(
                self.job, self.leading, "schedule", self.wishes.stop, _Beats(self.watchers), scheduled_at=scheduled_at
            )
        except Interrupted:
            return
        except errors.ConfigError as error:  # before a run was open; what is wrong may be mended in the warehouse
            log.warning("no run", error=str(error))
            return
        _tell_result(result)
        for watcher in self.watchers:
            watcher.ran(result)
        lost = [failure for failure in result.failures if isinstance(failure, errors.StateError | errors.NotOursError)]
        if lost:
            raise lost[0]


def _tell_result(result: sync.Result) -> None:
    report = result.report
    told = sum(destination.succeeded for destination in report.destinations)
    talk = log.info if report.status == "succeeded" else log.warning
    talk("a run has ended", run_id=report.run_id, status=report.status, told=told, exit_code=sync.exit_code(result))
    for destination in report.destinations:
        if destination.error:
            log.warning(
                "a destination stopped", run_id=report.run_id, destination=destination.name, error=destination.error
            )


@dataclass(frozen=True, slots=True)
class _Beats:
    """A run's progress is a sign of life."""

    watchers: Sequence[Watcher]

    def phase(self, name: str) -> None:  # noqa: ARG002
        self._beat()

    def planned(self, destination: str, identifies: int) -> None:  # noqa: ARG002
        self._beat()

    def sent(self, destination: str, identifies: int) -> None:  # noqa: ARG002
        self._beat()

    def _beat(self) -> None:
        for watcher in self.watchers:
            watcher.beat()
