"""Named points of a process: before and after each of its statements, by name, and while a request is on its way.

Every statement carries its name as a comment (`syncer.sql`), so that a test can stop at one without a hook in the
product: `before open_run`, `after claim_pages`. What happens at a point happens once, in the thread that comes there
first. A process that is killed there takes no further step in any of its threads.
"""

import re
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from syncer.destinations import segment

_NAME = re.compile(r"/\* syncer:(\w+) \*/")


class Killed(BaseException):
    """The process is gone: whatever it would have done now, it does not."""


class Points:
    """Watches the statements and requests of this process. `seen` are the names of statements, in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.reached = False
        self._point: str | None = None
        self._act: Callable[[], None] = lambda: None
        self._watching = False
        self._dead = False
        self._lock = threading.Lock()
        self._inside = threading.local()
        execute, send = psycopg.Cursor.execute, segment.SegmentDestination.send

        def watched_execute(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            name = _name(query) if self._is_ours() else None
            if name is None:
                return execute(cursor, query, *arguments, **options)
            self._arrive(f"before {name}")
            result = execute(cursor, query, *arguments, **options)
            self._arrive(f"after {name}")
            return result

        def watched_send(destination: Any, request: Any) -> Any:
            self._arrive("before a request")
            return send(destination, request)

        monkeypatch.setattr(psycopg.Cursor, "execute", watched_execute)
        monkeypatch.setattr(segment.SegmentDestination, "send", watched_send)

    def watch(self, point: str | None, act: Callable[[], None]) -> None:
        """From now on, until `rest`, this happens at this point."""
        self.seen, self.reached, self._point, self._act, self._dead = [], False, point, act, False
        self._watching = True

    def rest(self) -> None:
        """The process, if it was killed, is another one from now on."""
        self._watching = self._dead = False

    def kill(self) -> None:
        """As what happens at a point: the process is gone."""
        self._dead = True
        if threading.current_thread().name.startswith(_OURS):
            raise Killed

    def arrive_from_outside(self, point: str) -> None:
        """A receiver, for example, has come to a point of its own."""
        if self._watching and self._takes(point):
            self._act()

    def _is_ours(self) -> bool:
        if not self._watching or getattr(self._inside, "acting", False):
            return False
        return threading.current_thread().name.startswith(_OURS)

    def _arrive(self, point: str) -> None:
        if self._dead:
            raise Killed
        if point.startswith("before "):
            self.seen.append(point.removeprefix("before "))
        if self._takes(point):
            self._inside.acting = True
            try:
                self._act()
            finally:
                self._inside.acting = False

    def _takes(self, point: str) -> bool:
        with self._lock:
            taken = point == self._point and not self.reached
            self.reached = self.reached or taken
            return taken


def end_sessions(url: str) -> None:
    """As a restart of PostgreSQL looks to sessions: each of them ends, in the middle of whatever it does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'syncer%'"
        ).fetchall()


_OURS = ("MainThread", "delivery", "sender", "settler")
"""The threads that a run has; the lease of a process that is gone runs out by itself."""


def _name(query: Any) -> str | None:
    text = query if isinstance(query, str) else query.as_string(None) if hasattr(query, "as_string") else ""
    found = _NAME.match(text)
    return found[1] if found else None
