"""Connections that are renewed after a receiver has failed, while requests in flight still use the old ones."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncer.exchanges import Transport

MAX_AGE = 3600.0
"""Seconds that connections live, and with them the address that the name resolved to."""


class Lent:
    """A transport with its connections, and how many requests use it. Retired, it is closed by the last of them."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.opened = time.monotonic()
        self.users = 0
        self.retired = False

    def close_if_done(self) -> None:
        """Closes the connections if it is retired and no request uses it."""
        if self.retired and not self.users:
            self.transport.close()


class Pool:
    """Lends the same transport to every request, until that is retired.

    It is opened for the first request. httpx cannot drop its idle connections, so a retired one is left to the requests
    in flight, and closed by the last of them. The next request has another, and resolves the receiver's name again.
    """

    def __init__(self, open_transport: Callable[[], Transport]) -> None:
        self._open_transport = open_transport
        self._lock = threading.Lock()
        self._closed = False
        self._current: Lent | None = None

    @contextmanager
    def lend(self) -> Iterator[Lent | None]:
        """The transport for one request; None once the pool is closed."""
        lent = self._lent()
        try:
            yield lent
        finally:
            if lent:
                with self._lock:
                    lent.users -= 1
                    lent.close_if_done()

    def _lent(self) -> Lent | None:
        with self._lock:
            if self._closed:
                return None
            if self._current and time.monotonic() - self._current.opened > MAX_AGE:
                self._retire(self._current)
            self._current = self._current or Lent(self._open_transport())
            self._current.users += 1
            return self._current

    def retire(self, lent: Lent) -> None:
        """Makes the next request open new connections."""
        with self._lock:
            self._retire(lent)

    def _retire(self, lent: Lent) -> None:
        if lent is self._current:
            self._current = None
        lent.retired = True
        lent.close_if_done()

    def close(self) -> None:
        """Closes idle connections now, and those of requests in flight when they end. Lends no more."""
        with self._lock:
            self._closed = True
            if self._current:
                self._retire(self._current)
