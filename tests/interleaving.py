"""Lets two sessions take their steps in any order: each stops before the statements that it is told to stop before.

A step lasts until the session comes to its next stop, ends, or waits for a lock that the other one has. One that waits
goes on by itself once the other lets go.
"""

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import psycopg
import pytest

from syncer import state

DEADLINE = 30.0

ALL = os.environ.get("SYNCER_ORDERS") == "all"
"""Read before the environment is cleaned."""

_BLOCKED = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""

_present: ContextVar["Session | None"] = ContextVar("session", default=None)


class Session:
    """What `act` does in a thread of its own, a step at a time. `stops` are names of statements, in their order."""

    def __init__(self, act: Callable[[], object], stops: Sequence[str]) -> None:
        self._act = act
        self._stops = list(stops)
        self._changed = threading.Condition()
        self._stopped = False
        self._free = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: list[str] = []
        """The names of the statements that it came to."""
        self.result: object = None
        self.error: Exception | None = None

    def step(self, is_blocked: Callable[[], bool]) -> None:
        """One step, or nothing if it still waits for the other session."""
        if not self._thread.ident:
            self._thread.start()
        else:
            self._release()
        looks = 0
        while looks < 3 and not self._rests():
            looks = looks + 1 if is_blocked() else 0

    def let_go(self) -> None:
        """From now on nothing stops it."""
        self._free = True
        self._release()

    def finish(self) -> None:
        """Waits for its end."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "it hangs"

    def arrive(self, statement: str) -> None:
        """The session is about to execute this statement."""
        self.seen.append(statement)
        with self._changed:
            if self._free or self._stops[:1] != [statement]:
                return
            self._stops.pop(0)
            self._stopped = True
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: not self._stopped, DEADLINE)

    def _release(self) -> None:
        with self._changed:
            self._stopped = False
            self._changed.notify_all()

    def _rests(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped or not self._thread.is_alive(), 0.01)

    def _run(self) -> None:
        _present.set(self)
        try:
            self.result = self._act()
        except Exception as error:  # the test judges it
            self.error = error


def orders(steps: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    """Every order in which sessions can take so many steps each."""
    named = [name for name, count in steps.items() for _ in range(count)]
    yield from sorted(set(itertools.permutations(named)))


def close_orders(long: str, steps: int, short: str) -> Iterator[tuple[str, ...]]:
    """Of the orders of a session that takes so many steps, and of one that takes two: those in which none, one, or all
    of the steps of the first lie between the two of the other. Whatever these do to one another, a single step shows.

    SYNCER_ORDERS=all plays the others, too.
    """
    for order in orders({long: steps, short: 2}):
        first, last = (number for number, name in enumerate(order) if name == short)
        if ALL or last - first - 1 in (0, 1, steps):
            yield order


def play(url: str, sessions: Mapping[str, Session], order: Sequence[str]) -> None:
    """The steps of the sessions in this order, and then whatever is left of each."""
    with psycopg.connect(url, autocommit=True) as connection:

        def is_blocked() -> bool:
            row: tuple[bool] | None = connection.execute(_BLOCKED).fetchone()
            return row is not None and row[0]

        for name in order:
            sessions[name].step(is_blocked)
        for session in sessions.values():
            session.let_go()
        for session in sessions.values():
            session.finish()


def watch_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on sessions stop where they are told to."""
    real = state._statement

    def statement(name: str, placeholders: Mapping[str, psycopg.sql.Composable]) -> Any:
        present = _present.get()
        if present is not None:
            present.arrive(name)
        return real(name, placeholders)

    monkeypatch.setattr(state, "_statement", statement)
