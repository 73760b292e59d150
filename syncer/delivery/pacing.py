"""When requests may leave: the clock that delivery goes by, and the rate limit of a destination, spread over time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_CATCH_UP = 0.1
"""Seconds that a request may leave late without delaying the requests after it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How time passes: a monotonic clock in seconds, and a pause that ends early when the event is set."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[threading.Event, float], bool] = lambda halt, seconds: halt.wait(seconds)


class Pacer:
    """Spreads requests over time: one may start when those before it have used up their share of the rate.

    What it counts, events or requests, is the destination's affair (`models.Rate`).

    Over any ten seconds at most the limit plus one request leaves: a turn is taken when a request is about to leave,
    and no unused time is saved up but a little lateness.
    """

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._rate = per_second
        self._now = now
        self._next = now()
        self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, count: int) -> None:
        """So much is about to ask for a turn; a negative number takes that back."""
        with self._lock:
            self._reserved += count

    def turn(self, count: int) -> float:
        """Takes the next turn; returns when it comes, on the clock."""
        with self._lock:
            now = self._now()
            start = max(now, self._next)
            self._next = max(now - _CATCH_UP, self._next) + self.share(count)
            return start

    def share(self, count: int) -> float:
        """The seconds that so much takes up."""
        return count / self._rate if self._rate else 0.0

    def due_in(self) -> float:
        """Seconds until the next turn that nobody has reserved."""
        with self._lock:
            return max(0.0, self._next + self.share(self._reserved) - self._now())

    def hold(self, seconds: float) -> None:
        """Nobody starts for so long: the receiver asked for it."""
        with self._lock:
            self._next = max(self._next, self._now() + seconds)
