"""Waits for a database no longer than a limit, whatever its driver does.

All calls of a driver are made in a thread of their own, and the caller waits for their results: some drivers know no
timeout, some look at no signal while they wait. A call that does not end is left alone with its thread; the process may
end without it.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")

_TURN_SECONDS = 0.5
_GRACE_SECONDS = 1.0
"""Seconds that an interrupted call may take until its thread is left alone."""


class SilentError(Exception):
    """The database said nothing for longer than the limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it has not answered for {seconds:g} seconds")


class Caller:
    """Makes one call after the other. `interrupt` asks what runs in the thread to end, from outside."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], Result], seconds: float) -> Result:
        """What `work` returns or raises. Raises `SilentError` if it does neither for so long."""
        done: Future[Result] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._calls.put(run)
        deadline = time.monotonic() + seconds
        # In short turns: a signal that another thread was given is only looked at between two.
        while wait([done], min(_TURN_SECONDS, deadline - time.monotonic())).not_done:
            if time.monotonic() >= deadline:
                raise SilentError(seconds)
        return done.result()

    def close(self, last: Callable[[], object], interrupt: Callable[[], object]) -> None:
        """Makes a last call, if need be after what still runs was interrupted, and lets the thread end."""
        done = threading.Event()

        def run() -> None:
            with suppress(Exception):
                last()
            done.set()

        self._calls.put(run)
        self._calls.put(None)
        if not done.wait(_GRACE_SECONDS):
            with suppress(Exception):
                interrupt()
            done.wait(_GRACE_SECONDS)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
