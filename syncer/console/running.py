"""Has runs made for people who ask by a page or by the API, and says which run that is.

Where a daemon leads, it makes the run, and is asked as a command asks it. `syncer console` without a daemon makes it
itself, in a thread, as `syncer sync` would: the same lock, the same record, the same alerts. Nobody waits in line:
while a run is in progress another is not begun, and whoever asks is told who syncs.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from syncer import errors, sync
from syncer.app import App
from syncer.daemon.alerts import AlertWatcher
from syncer.log import Logger
from syncer.overview import promises
from syncer.state import Connection, handover, leadership, migrations, status
from syncer.state.asking import Asker
from syncer.state.runs import Action, RunStart
from syncer.stopping import Stop

BEGIN_SECONDS = 8.0
"""Seconds within which the daemon has to begin with a request; then it is taken back."""

OPEN_SECONDS = 30.0
"""Seconds within which the number of a run is waited for."""

log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that somebody wants: of these audiences and destinations, or of all. Without `recorded`, what they did is
    in the history already."""

    kind: Literal["sync", "resync"]
    asker: Asker
    audiences: Sequence[str] = ()
    destinations: Sequence[str] = ()
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """The run is open; None if it begins later than anybody waits."""

    run_id: int | None


@dataclass(frozen=True, slots=True)
class Busy:
    """There was no run, because another process syncs, or another run is in progress."""

    error: str
    leader: leadership.Leader | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class NotBegun:
    """There was no run, because of problems: in what was asked for or in the configuration, or in the state."""

    problems: Sequence[str]
    is_wrong: bool


Outcome = Begun | Busy | NotBegun

Look = Callable[[], Outcome | None]
"""Looks what became of a wish; None if that is not known yet."""


class Runner:
    """Has runs made. `alone`: no daemon serves this console, so that where none leads it makes the run itself."""

    def __init__(self, opened: App, *, alone: bool) -> None:
        self._opened = opened
        self._alone = alone
        self._stop = Stop()
        self._own: _OwnRun | None = None
        self._lock = threading.Lock()
        self._alerts: AlertWatcher | None = None
        if opened.channel is not None:
            promised = promises(opened.settings)
            self._alerts = AlertWatcher(opened.state, opened.channel, opened.baseline, promised)

    def begin(self, wish: Wish) -> Outcome | Look:
        """Asks for a run. Raises `SyncerError` if the state cannot be asked."""
        self._opened.chosen(wish.destinations)
        with self._opened.state.connect("console") as connection:
            migrations.check(connection, self._opened.state.schema)
            leader = leadership.find_leader(connection)
            busy = _busy(connection, leader)
            if busy is not None:
                return busy
            if leader is not None:
                return self._hand_over(connection, wish)
        if not self._alone:
            return NotBegun(["no process leads yet; ask again in a moment"], is_wrong=False)
        return self._run_here(wish)

    def close(self) -> None:
        """Lets the run of this process land, and stop."""
        self._stop.asked.set()
        if self._own is not None:
            self._own.thread.join()
        if self._alerts is not None:
            self._alerts.close()

    def _hand_over(self, connection: Connection, wish: Wish) -> Look:
        state = self._opened.state
        request = handover.put(connection, state.schema, wish.kind, wish.audiences, wish.destinations, wish.asker)
        began = time.monotonic()

        def look() -> Outcome | None:
            with state.connect("console") as connection:
                return _found(connection, request, time.monotonic() - began)

        return look

    def _run_here(self, wish: Wish) -> Outcome | Look:
        with self._lock:
            if self._own is not None and self._own.thread.is_alive():
                return Busy("this process begins a run already", None, None)
            self._own = own = _OwnRun(self._opened, wish, self._stop, self._alerts)
            own.thread.start()
        return own.look


class _OwnRun:
    """A run of this process, in a thread of its own."""

    def __init__(self, opened: App, wish: Wish, stop: Stop, alerts: AlertWatcher | None) -> None:
        self._opened = opened
        self._wish = wish
        self._stop = stop
        self._alerts = alerts
        self._ended: Outcome = NotBegun(["it was broken off before the run was open"], is_wrong=False)
        self._began = time.monotonic()
        self.thread = threading.Thread(target=self._run, name="run", daemon=True)

    def look(self) -> Outcome | None:
        """See `Look`."""
        if not self.thread.is_alive():
            return self._ended
        with self._opened.state.connect("console") as connection:
            run_id = _run_of_this_process(connection)
        if run_id is not None:
            return Begun(run_id)
        return Begun(None) if time.monotonic() - self._began > OPEN_SECONDS else None

    def _run(self) -> None:
        wish = self._wish
        try:
            job = self._opened.job(
                wish.audiences, wish.destinations, wish.destinations if wish.kind == "resync" else ()
            )
            named = {"audiences": list(wish.audiences), "destinations": list(wish.destinations)}
            action = Action(wish.kind, named, wish.asker) if wish.recorded else None
            start = RunStart("resync" if wish.kind == "resync" else "manual", action=action)
            result = sync.sync(job, start, self._stop, sync.Unwatched())
        except errors.SyncLockedError as error:
            self._ended = Busy(str(error), None, None)
        except errors.SyncerError as error:
            self._ended = NotBegun(str(error).splitlines(), is_wrong=isinstance(error, errors.ConfigError))
        except Exception:
            log.exception("a run could not be made")
            self._ended = NotBegun(["unexpected; the log says more"], is_wrong=False)
        else:
            self._ended = Begun(result.report.run_id)
            log.info("a run has ended", run_id=result.report.run_id, status=result.report.status)
            if self._alerts is not None:
                self._alerts.ran(result)


def _run_of_this_process(connection: Connection) -> int | None:
    """The run that this process has in progress: not one that was left open by another, whose number it was given."""
    leader = leadership.find_leader(connection)
    is_ours = leader is not None and (leader.host, leader.pid) == (socket.gethostname(), os.getpid())
    return status.running(connection, leader) if is_ours else None


def _busy(connection: Connection, leader: leadership.Leader | None) -> Busy | None:
    """Who syncs now, so that a run cannot begin at once."""
    running = status.running(connection, leader)
    if leader is None or (running is None and leader.kind == "daemon"):
        return None
    what = f"run {running} is in progress" if running is not None else "it is about to begin a run"
    who = f"the {leader.kind} with pid {leader.pid} on {leader.host} syncs since {leader.since:%Y-%m-%d %H:%M:%S} UTC"
    return Busy(f"{who}: {what}", leader, running)


def _found(connection: Connection, request: int, seconds: float) -> Outcome | None:
    found = handover.look(connection, request)
    if found.run_id is not None:
        return Begun(found.run_id)
    if found.ended_at is not None:
        return NotBegun(found.problems, is_wrong=found.exit_code == errors.ConfigError.exit_code)
    if not found.awaited:
        return _gone if handover.take_back(connection, request) else None
    if seconds > BEGIN_SECONDS and handover.withdraw(connection, request):
        leader = leadership.find_leader(connection)
        late = Busy("another run began first", leader, status.running(connection, leader))
        return (_busy(connection, leader) or late) if leader else _gone
    return Begun(None) if seconds > OPEN_SECONDS else None


_gone = NotBegun(["the daemon is gone; ask again in a moment"], is_wrong=False)
