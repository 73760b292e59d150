"""A process that is gone between any two of its statements and requests."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from syncer.destinations import segment


class Gone(BaseException):
    """The process is gone: whatever it would have done now, it does not."""


class Mortal:
    """Lets a process die before or after one of its statements or requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self.last: int | None = None
        self._lock = threading.Lock()
        execute, send = psycopg.Cursor.execute, segment.SegmentDestination.send

        def mortal_execute(cursor: Any, *arguments: Any, **options: Any) -> Any:
            return self._step(execute, cursor, *arguments, **options)

        def mortal_send(destination: Any, request: Any) -> Any:
            return self._step(send, destination, request)

        monkeypatch.setattr(psycopg.Cursor, "execute", mortal_execute)
        monkeypatch.setattr(segment.SegmentDestination, "send", mortal_send)

    @contextmanager
    def immortal(self) -> Iterator[None]:
        """Nothing that is done in this block is a step of the process."""
        last, self.last = self.last, None
        try:
            yield
        finally:
            self.last = last

    def _step(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        thread = threading.current_thread()
        if self.last is None or not (thread is threading.main_thread() or thread.name.startswith(("deliv", "sender"))):
            return act(*arguments, **options)
        self._live()
        result = act(*arguments, **options)
        self._live()
        return result

    def _live(self) -> None:
        with self._lock:
            self.steps += 1
            if self.last is not None and self.steps > self.last:
                raise Gone
