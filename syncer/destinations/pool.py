"""Connections that are renewed after a receiver has failed, while requests in flight still use the old ones."""

import functools
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

MAX_AGE = 3600.0
"""Seconds that connections live, and with them the address that the name resolved to."""


@functools.cache
def tls() -> ssl.SSLContext:
    """The trusted certificates. Loading them takes longer than many requests, so it is done once."""
    return httpx.create_ssl_context()


class Lent:
    """A client with its connections, and how many requests use it. Once it is retired, the last of them closes it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.opened = time.monotonic()
        self.users = 0
        self.retired = False

    def close_if_done(self) -> None:
        """Closes the connections if it is retired and no request uses it."""
        if self.retired and not self.users:
            self.client.close()


class Pool:
    """Lends the same client to every request, until that client is retired.

    httpx cannot drop its idle connections, so a retired client is replaced, left to the requests in flight,
    and closed by the last of them. The next request resolves the receiver's name again.
    """

    def __init__(self, open_client: Callable[[], httpx.Client]) -> None:
        self._open_client = open_client
        self._lock = threading.Lock()
        self._closed = False
        self._current = Lent(open_client())

    @contextmanager
    def lend(self) -> Iterator[Lent | None]:
        """The client for one request; None once the pool is closed."""
        if time.monotonic() - self._current.opened > MAX_AGE:
            self.retire(self._current)
        with self._lock:
            lent = None if self._closed else self._current
            if lent:
                lent.users += 1
        try:
            yield lent
        finally:
            if lent:
                with self._lock:
                    lent.users -= 1
                    lent.close_if_done()

    def retire(self, lent: Lent) -> None:
        """Makes the next request open new connections."""
        with self._lock:
            if lent is self._current and not self._closed:
                self._current = Lent(self._open_client())
            lent.retired = True
            lent.close_if_done()

    def close(self) -> None:
        """Closes idle connections now, and those of requests in flight when they end. Lends no more."""
        with self._lock:
            self._closed = True
            self._current.retired = True
            self._current.close_if_done()
