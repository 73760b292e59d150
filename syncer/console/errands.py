"""Questions that take longer than a page may: the warehouse is asked, once at a time, in a thread of its own.

Whoever asked looks again. Only the last answer is kept, and not for long: it is about people. What takes too long is
ended, as far as its sessions with the state go; the warehouse has limits of its own.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from syncer import errors
from syncer.escaping import escaped
from syncer.log import Logger
from syncer.state import Connection, State

WAIT_SECONDS = 3.0
"""How long a page waits for an answer before it says that there is none yet."""

NO_STATE = "the state cannot be used; the log says more"

_MOST_SECONDS = 600.0
_KEPT_SECONDS = 600.0
_CANCEL_SECONDS = 5.0

Work = Callable[[State], object]
"""Finds the answer, by sessions with the state that is given."""

log = Logger(__name__)


@dataclass(slots=True)
class Errand:
    """A question that was asked: `answer` or `sorry` (a sentence) is there once it is `done`."""

    what: object
    began_at: datetime
    ended_at: datetime | None = None
    answer: object = None
    sorry: str | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Errands:
    """Runs one errand at a time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._last: Errand | None = None
        self._lock = threading.Lock()

    def begin(self, what: object, work: Work) -> Errand | None:
        """Asks, unless the same is being asked; None if something else is."""
        with self._lock:
            last = self._last
            if last is not None and not last.done.is_set():
                return last if last.what == what else None
            errand = self._last = Errand(what, datetime.now(UTC))
        watched = _WatchedState(self._state.url, self._state.schema, self._state.embedded)
        threading.Thread(target=_run, args=(errand, work, watched), name="errand", daemon=True).start()
        watched.end_after(errand.done, _MOST_SECONDS)
        return errand

    def find(self, what: object) -> Errand | None:
        """The last errand, if it was about this and is not too old."""
        with self._lock:
            last = self._last
            if last is None or last.what != what:
                return None
            if last.ended_at is not None and (datetime.now(UTC) - last.ended_at).total_seconds() > _KEPT_SECONDS:
                self._last = None
                return None
            return last


@dataclass(frozen=True)
class _WatchedState(State):
    """The state, with its sessions at hand, to end what they do."""

    sessions: set[Connection] = field(default_factory=set)

    @contextmanager
    def connect(self, purpose: str, longest_pause: float | None = None) -> Iterator[Connection]:
        """See `State`."""
        with State.connect(self, purpose, longest_pause) as connection:
            self.sessions.add(connection)
            try:
                yield connection
            finally:
                self.sessions.discard(connection)

    def end_after(self, done: threading.Event, seconds: float) -> None:
        """Cancels what the sessions do once so much time has passed, again and again until it is `done`."""

        def watch() -> None:
            pause = seconds
            while not done.wait(pause):
                pause = _CANCEL_SECONDS
                for connection in list(self.sessions):
                    with suppress(Exception):  # it may have ended just now
                        connection.cancel_safe(timeout=_CANCEL_SECONDS)

        threading.Thread(target=watch, name="errand's end", daemon=True).start()


def _run(errand: Errand, work: Work, state: State) -> None:
    began = time.monotonic()
    try:
        errand.answer = work(state)
    except errors.SyncerError as error:
        errand.sorry = escaped(_sentence(error, time.monotonic() - began))
    except Exception:
        log.exception("the console could not find an answer")
        errand.sorry = "unexpected; the log says more"
    finally:
        errand.ended_at = datetime.now(UTC)
        errand.done.set()


def _sentence(error: errors.SyncerError, seconds: float) -> str:
    """Why there is no answer, for whoever may look. Where the state is, is not for them."""
    if seconds > _MOST_SECONDS:
        return f"it took longer than {_MOST_SECONDS / 60:.0f} minutes and was ended"
    if isinstance(error, errors.StateError) and not isinstance(error, errors.RestoredError):
        log.warning("the state cannot be used for the console", error=str(error))
        return NO_STATE
    return str(error)
