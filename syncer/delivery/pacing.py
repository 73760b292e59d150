"""When requests may leave: the clock that delivery goes by, and the rate limit of a destination, spread over time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_CATCH_UP = 0.1
"""Seconds that a request may leave late without delaying the requests after it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How time passes: a monotonic clock in seconds, and a pause that ends early when the event is set."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[threading.Event, float], bool] = lambda halt, seconds: halt.wait(seconds)


class Pacer:
    """Spreads requests over time: one may start when those before it have used up their share of the rate.

    It counts events or requests, whichever the destination limits (`calls.Rate`).

    Over any ten seconds at most the limit plus one request leaves: a turn is taken when a request is about to leave,
    and no unused time is saved up but a little lateness.
    """

    def __init__(self, per_second: float, now: Callable[[], float]) -> None:
        self._rate = per_second
        self._now = now
        self._next = now()
        self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, count: int) -> "Reservation":
        """Announces a page that is about to take turns for `count` events or requests."""
        reservation = Reservation(self)
        reservation.resize(count)
        return reservation

    def add_reserved(self, count: int) -> None:
        """For `Reservation`: `count` more (fewer, if negative) are about to take turns."""
        with self._lock:
            self._reserved += count

    def turn(self, count: int) -> float:
        """Takes the next turn, without a reservation; returns when it comes, on the clock."""
        with self._lock:
            now = self._now()
            start = max(now, self._next)
            self._next = max(now - _CATCH_UP, self._next) + self._share(count)
            return start

    def _share(self, count: int) -> float:
        """The seconds that `count` events or requests take up."""
        return count / self._rate if self._rate else 0.0

    def due_in(self) -> float:
        """Seconds until the next turn that is not reserved."""
        with self._lock:
            return max(0.0, self._next + self._share(self._reserved) - self._now())

    def hold(self, seconds: float) -> None:
        """No turn comes for this many seconds: the receiver asked for it."""
        with self._lock:
            self._next = max(self._next, self._now() + seconds)


class Reservation:
    """Turns that a page is going to take, so that `Pacer.due_in` knows of them. Gives back what is left at its end.

    It is made when the page is about to be claimed, and goes with it from thread to thread.
    """

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self.left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self, count: int) -> float:
        """Takes the next turn out of what is left; returns when it comes, on the clock."""
        self.resize(self.left - count)
        return self._pacer.turn(count)

    def resize(self, left: int) -> None:
        """From now on this many are still to come."""
        self._pacer.add_reserved(left - self.left)
        self.left = left

    def release(self) -> None:
        """Gives back what is left."""
        self.resize(0)
