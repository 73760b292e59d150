"""Asks a destination about one contact after the other: at its own pace, and never while a run is under way.

A run counts requests by itself, and some destinations take one call at a time. So before each question this waits until
no run is open, and no earlier reconciliation asks there. A run that begins meanwhile meets at most the one question
that is on its way.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from syncer import errors
from syncer.calls import Belief, Readable
from syncer.delivery.pacing import Clock, Pacer
from syncer.delivery.retrying import RetryPolicy
from syncer.log import Logger
from syncer.reconciling.judging import Accepted
from syncer.state import Connection, fetch_value
from syncer.state.leadership import TAKE_OVER_SECONDS
from syncer.stopping import Stop

_LOOK_SECONDS = 0.5
"""Seconds between two looks at whether a run has ended."""

_PAGE_SECONDS = 60.0
"""Seconds without a page after which an earlier reconciliation counts as broken off."""

_MOST_SILENT = 3
"""So many contacts in a row about which there is no answer at all: then it is the destination that does not answer."""

PATIENCE = RetryPolicy(max_attempts=4, max_seconds=60.0)

log = Logger(__name__)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why what a destination says of a contact cannot be believed: in words of ours, which name nobody."""

    reason: str


Answer = Belief | Unreadable | None


class StoppedError(Exception):
    """Somebody asked to stop."""


@dataclass(slots=True)
class Interview:
    """Asks at the pace of the destination. Raises `StoppedError` once `stop` asks for it, `DestinationError` if the
    destination does not answer, or refuses us."""

    destination: Readable
    connection: Connection
    reconciliation_id: int
    stop: Stop
    patience: RetryPolicy = PATIENCE
    clock: Clock = field(default_factory=Clock)
    waits: Callable[[], None] = lambda: None
    _pacer: Pacer = field(init=False)
    _silent: int = 0

    def __post_init__(self) -> None:
        self._pacer = Pacer(self.destination.rate.per_second, self.clock.now)

    def ask(self, who: Accepted) -> Answer:
        """What it believes of a contact: None if it does not know it."""
        began, attempts = self.clock.now(), 0
        while True:
            self._wait_for_turn()
            attempts += 1
            try:
                found = self.destination.read(who.contact, who.user_id, who.email or who.contact)
            except errors.UnreadableError as error:
                self._silent = 0
                return Unreadable(str(error))
            except errors.DestinationUnavailableError as error:
                wait = self.patience.wait(attempts, self.clock.now() - began, error.retry_after)
                if wait is None:
                    return self._no_answer(error)
                log.info("no answer; asking again", seconds=wait)
                self._pause(wait)
            else:
                self._silent = 0
                return found

    def _no_answer(self, error: errors.DestinationUnavailableError) -> Unreadable:
        """It is the contact's, as far as is known, unless several in a row have none; that we ask too much never is."""
        self._silent += 1
        if self._silent >= _MOST_SILENT or error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
            raise error
        status = "did not answer" if error.http_status is None else f"answered {error.http_status}"
        return Unreadable(f"{status}, also when asked again")

    def _wait_for_turn(self) -> None:
        if self._must_wait():
            self.waits()
            while self._must_wait():
                self._pause(_LOOK_SECONDS)
        self._pause(self._pacer.turn(1) - self.clock.now())

    def _must_wait(self) -> bool:
        limits = {"seconds": TAKE_OVER_SECONDS, "page_seconds": _PAGE_SECONDS}
        return bool(fetch_value(self.connection, "must_wait", {"reconciliation_id": self.reconciliation_id, **limits}))

    def _pause(self, seconds: float) -> None:
        halt: threading.Event = self.stop.asked
        if seconds > 0:
            self.clock.pause(halt, seconds)
        if halt.is_set():
            raise StoppedError
