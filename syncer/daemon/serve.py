"""The daemon: leads for as long as it lives, or stands by until it can; runs when a run is due, one at a time.

    standing by ──lead──▶ leading ──due──▶ running ──▶ leading ──▶ …
         ▲                   │ the session, or the lease, is lost
         └───────────────────┘

The main thread looks whether a run is due, and runs it, because that is where signals arrive. What becomes due while
a run is under way is one run, and it follows at once. Nothing here is needed to get the state right: a daemon that is
killed is a run that was left open, and the next leader settles it.
"""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from syncer import errors, models, sync
from syncer.log import Logger
from syncer.schedule import Cadence
from syncer.state import Connection, State, execute, handover, leadership, migrations, runs, status
from syncer.state.leadership import Leadership
from syncer.stopping import Interrupted, Stop

_ROUND_SECONDS = 0.5
"""Seconds between two looks at whether a command asks for something, and whether the daemon still leads."""

_STAND_BY_SECONDS = 1.0
"""Seconds between two attempts to lead."""

_YIELD_SECONDS = 3.0
"""Seconds for which another process may take the lead that the daemon let go of."""

_MAX_BACKOFF_SECONDS = 30.0

_NEVER = datetime.max.replace(tzinfo=UTC)

log = Logger(__name__)


class Watcher(Protocol):
    """Learns what happens in the daemon. Never raises, never takes long."""

    def beat(self) -> None:
        """The daemon's loop went round, or a run made progress."""

    def leads(self, leading: bool) -> None:  # noqa: FBT001
        """The daemon leads from now on, or stands by."""

    def lost(self, error: errors.SyncerError) -> None:
        """The state cannot be used, so it is not known which process leads."""

    def ran(self, result: sync.Result) -> None:
        """A run has ended."""

    def could_not_run(self, error: errors.SyncerError) -> None:
        """A run was due and never began."""


@dataclass(slots=True)
class Signals:
    """What signals ask for: to `stop`, or to read the configuration again."""

    stop: Stop = field(default_factory=Stop)
    reload: threading.Event = field(default_factory=threading.Event)

    def any(self) -> bool:
        """Whether the daemon has to leave what it is doing, once the run in progress has ended."""
        return self.stop.asked.is_set() or self.reload.is_set()

    def wait(self, seconds: float) -> None:
        """Waits until a stop is asked for, at most this many seconds."""
        self.stop.asked.wait(seconds)


MakeJob = Callable[[Sequence[str], Sequence[str], Sequence[str]], sync.Job]
"""Makes a job of audiences, destinations, and those that are the same account behind another address."""


def serve(
    state: State,
    make_job: MakeJob,
    cadence: Cadence,
    signals: Signals,
    watchers: Sequence[Watcher] = (),
    revive: Callable[[], None] = lambda: None,
) -> None:
    """Leads or stands by until there is a signal. Any trouble with the state's database is waited out.

    `revive` starts it again if it runs with us, and has died; it raises `StateError` if it cannot.
    """
    backoff = _STAND_BY_SECONDS
    stands_by = False
    while not signals.any():
        try:
            with state.connect("daemon") as connection:
                migrations.check(connection, state.schema)
                with leadership.lead(state, connection, kind="daemon") as leading:
                    log.info("leading")
                    stands_by, backoff = False, _STAND_BY_SECONDS
                    handover.listen(connection, state.schema)
                    _Leader(make_job, cadence, signals, watchers, leading).lead()
            if not signals.any():
                log.info("let go of the lead")
                signals.wait(_YIELD_SECONDS)
        except errors.SyncLockedError as error:
            if not stands_by:
                log.info("standing by", leader=str(error))
            stands_by = True
            for watcher in watchers:
                watcher.leads(False)  # noqa: FBT003
                watcher.beat()
            signals.wait(_STAND_BY_SECONDS)
        except (errors.StateError, errors.NotOursError) as error:
            log.warning("the state cannot be used; trying again", error=str(error), seconds=backoff)
            stands_by = False
            for watcher in watchers:
                watcher.lost(error)
                watcher.beat()
            signals.wait(backoff)
            backoff = min(_MAX_BACKOFF_SECONDS, backoff * 2)
            _revive(revive)


def _revive(revive: Callable[[], None]) -> None:
    try:
        revive()
    except errors.StateError as error:
        log.warning("the state's database cannot be started again", error=str(error))


@dataclass(slots=True)
class _Leader:
    """Runs what is due, for as long as the lease is good.

    `_next_due_at` is when the next run is due, as the state knows it; `_due_by_clock` is the same by a clock that
    nobody sets (`leadership.clock`): an interval is over once it has passed, whatever the time of day has become.
    """

    make_job: MakeJob
    cadence: Cadence
    signals: Signals
    watchers: Sequence[Watcher]
    leading: Leadership
    _next_due_at: datetime = _NEVER
    _due_by_clock: float = math.inf
    _yields: bool = False

    def lead(self) -> None:
        handover.end_lost(self.leading)
        for watcher in self.watchers:
            watcher.leads(True)  # noqa: FBT003
        known, now = status.due(self.connection), datetime.now(UTC)
        self._remember_due(now, self.cadence.first(now, known.next_due_at, known.last_began_at))
        while not self.signals.any() and not self._yields and self.leading.lease.good():
            self._step()

    @property
    def connection(self) -> Connection:
        return self.leading.connection

    def _step(self) -> None:
        for watcher in self.watchers:
            watcher.beat()
        now = datetime.now(UTC)
        left = self._due_in(now)
        if not left:
            scheduled_at = self._next_due_at
            self._remember_due(now, self.cadence.next(now))
            self._run(self.make_job((), (), ()), runs.RunStart("schedule", scheduled_at))
            return
        latest = self.cadence.latest(now)
        if self._next_due_at > latest:  # the clock was ahead, and was set back
            self._remember_due(now, latest)
        request = handover.begin(self.leading)
        if request is not None:
            self._answer(request)
            return
        for _ in self.connection.notifies(timeout=min(_ROUND_SECONDS, left), stop_after=1):
            pass

    def _due_in(self, now: datetime) -> float:
        """Seconds until a run is due, by the clock that says so first; 0 if one is."""
        by_clock = self._due_by_clock - leadership.clock() if self.cadence.cron is None else math.inf
        return max(0.0, min(by_clock, (self._next_due_at - now).total_seconds()))

    def _remember_due(self, now: datetime, at: datetime) -> None:
        """Writes when the next run is due to where the next daemon finds it."""
        self._next_due_at, self._due_by_clock = at, leadership.clock() + (at - now).total_seconds()
        execute(self.connection, "remember_due", {"next_due_at": at, "token": self.leading.token})
        log.info("the next run is due", at=at.isoformat(timespec="seconds"))

    def _until(self) -> datetime:
        """When the run after this one is due, also if one that a command asked for begins later than that."""
        now = datetime.now(UTC)
        return self._next_due_at if self._next_due_at > now else self.cadence.after(now)

    def _answer(self, request: handover.DaemonRequest) -> None:
        """Does what a command asks for, and lets it know what became of that."""
        log.info("asked", request=request.kind)
        if request.kind == "yield":
            self._yields = True
            handover.end(self.leading, request, handover.Answer(None, 0, ()))
            return
        again = request.kind in ("resync", "restored")
        same_account = request.destinations if again else ()
        try:
            job = self.make_job(request.audiences, request.destinations, same_account)
            named = {"audiences": list(request.audiences), "destinations": list(request.destinations)}
            action = runs.Action("resync" if again else "sync", named, request.asker)
            trigger: models.Trigger = "resync" if again else "request"
            start = runs.RunStart(
                trigger, action=action, restored=request.kind == "restored", request_id=request.request_id
            )
            result = self._run(job, start)
        except (errors.ConfigError, errors.RestoredError) as error:
            handover.end(self.leading, request, handover.Answer(None, error.exit_code, str(error).splitlines()))
            return
        if result is None:
            handover.end(self.leading, request, handover.Answer(None, 130, ["the daemon was stopped"]))
        elif result.report.run_id is not None:
            handover.end(self.leading, request, handover.Answer(result.report.run_id, sync.exit_code(result), ()))

    def _run(self, job: sync.Job, start: runs.RunStart) -> sync.Result | None:
        """One run; None if a signal broke it off before it was open.

        What keeps a run from being opened, in the configuration or because the state was restored from a backup, is
        raised if a command asked for the run; of a scheduled one the watchers learn it.
        """
        try:
            job = replace(job, until=self._until())
            result = sync.run(job, self.leading, start, self.signals.stop, _Heartbeat(self.watchers))
        except Interrupted:
            return None
        except (errors.ConfigError, errors.RestoredError) as error:  # people mend it: in the warehouse, by a command
            if start.scheduled_at is None:
                raise
            log.warning("no run", error=str(error))
            for watcher in self.watchers:
                watcher.could_not_run(error)
            return None
        _log_result(result)
        for watcher in self.watchers:
            watcher.ran(result)
        lost = [failure for failure in result.failures if isinstance(failure, errors.StateError | errors.NotOursError)]
        if lost:
            raise lost[0]
        return result


def _log_result(result: sync.Result) -> None:
    report = result.report
    told = sum(destination.succeeded for destination in report.destinations)
    write = log.info if report.status == "succeeded" else log.warning
    write("a run has ended", run_id=report.run_id, status=report.status, told=told, exit_code=sync.exit_code(result))
    for destination in report.destinations:
        if destination.error:
            log.warning(
                "a destination stopped", run_id=report.run_id, destination=destination.name, error=destination.error
            )


@dataclass(frozen=True, slots=True)
class _Heartbeat:
    """A run's progress as a sign of life. See `sync.Progress`."""

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
