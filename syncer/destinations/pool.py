"""Connections that are renewed once a receiver has failed, while requests still use the old ones."""

import functools
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

MAX_AGE = 3600.0
"""Connections, and with them the address that the name resolved to, live no longer than this, in seconds."""


@functools.cache
def tls() -> ssl.SSLContext:
    """The trusted certificates: loading them takes longer than many requests, so it is done once."""
    return httpx.create_ssl_context()


class Lent:
    """One client with its connections, and how many requests use it. Once retired, the last one closes it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.opened = time.monotonic()
        self.users = 0
        self.retired = False

    def close_if_done(self) -> None:
        """Closes the connections once nobody needs them any more."""
        if self.retired and not self.users:
            self.client.close()


class Pool:
    """Hands the same client to every request, until it is retired.

    httpx cannot drop its idle connections, so a retired client is replaced, left to the requests in flight,
    and closed by the last of them. The next request resolves the receiver's name again.
    """

    def __init__(self, open_client: Callable[[], httpx.Client]) -> None:
        self._open_client = open_client
        self._lock = threading.Lock()
        self._closed = False
        self._current = Lent(open_client())

    @contextmanager
    def lease(self) -> Iterator[Lent | None]:
        """The client for one request; None once the pool is closed."""
        if time.monotonic() - self._current.opened > MAX_AGE:
            self.retire(self._current)
        with self._lock:
            lease = None if self._closed else self._current
            if lease:
                lease.users += 1
        try:
            yield lease
        finally:
            if lease:
                with self._lock:
                    lease.users -= 1
                    lease.close_if_done()

    def retire(self, lease: Lent) -> None:
        """Has the next request start with new connections."""
        with self._lock:
            if lease is self._current and not self._closed:
                self._current = Lent(self._open_client())
            lease.retired = True
            lease.close_if_done()

    def close(self) -> None:
        """Closes idle connections now, and those of requests in flight when they end. Hands out no more."""
        with self._lock:
            self._closed = True
            self._current.retired = True
            self._current.close_if_done()
