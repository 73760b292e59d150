"""A wish to stop, from a signal: an event to look at between pages, an interruption while a statement runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(KeyboardInterrupt):
    """Raised in the main thread by the first signal, where `Stop.may_interrupt` allows it.

    A KeyboardInterrupt, because that is what makes psycopg cancel the statement that it is waiting for.
    """


class Stop:
    """Set once, never cleared. Signal handlers call `ask`; whatever works looks at `asked`."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._interruptible = False

    def ask(self) -> None:
        """Asks everything to stop, and interrupts the main thread if that is in `may_interrupt`."""
        self.asked.set()
        if self._interruptible:
            self._interruptible = False
            raise Interrupted

    @contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """Marks work of the main thread that can be broken off anywhere, because nothing has been sent."""
        self._interruptible = True
        try:
            self._heed()
            yield
        except Exception as error:
            if self.asked.is_set():  # the signal struck inside of a driver, or on its way out of one
                raise Interrupted from error
            raise
        finally:
            self._interruptible = False

    def _heed(self) -> None:
        if self.asked.is_set():
            raise Interrupted
