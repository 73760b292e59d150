"""Acts that need the lock, beside a daemon that leads."""

import time
from collections.abc import Callable
from typing import TypeVar

from syncer import errors
from syncer.cli import screen
from syncer.cli.session import stoppable
from syncer.state import State, handover
from syncer.stopping import Stop

_T = TypeVar("_T")

_ASK_SECONDS = 0.3
"""Seconds between two looks at whether the daemon let go of the lock."""

_LOCK_SECONDS = 20.0
"""Seconds within which the lock must be free once the daemon let go of it."""


def with_the_lock(state: State, act: Callable[[], _T]) -> _T:
    """Does what needs the lock; a daemon that has it lets go of it for a moment."""
    try:
        return act()
    except errors.SyncLockedError:
        if not handover.daemon_leads(state):
            raise
        screen.say("a daemon leads; it lets go of the lock now, or when the run in progress has ended")
        with stoppable() as stop:
            handover.ask(state, "yield", (), (), lambda _: not stop.asked.wait(_ASK_SECONDS))
            return _when_unlocked(act, stop)


def _when_unlocked(act: Callable[[], _T], stop: Stop) -> _T:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return act()
        except errors.SyncLockedError:
            if time.monotonic() > deadline or stop.asked.wait(0.1):
                raise
