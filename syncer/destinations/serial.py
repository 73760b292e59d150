"""One call at a time per credential, whichever destinations of this process share it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from weakref import WeakValueDictionary

from syncer import errors

MAX_WAIT = 2.0
"""Seconds to wait for the call of another destination: short, because the sender asked for its lease before."""

_turnstiles: WeakValueDictionary[bytes, "Turnstile"] = WeakValueDictionary()
_turnstiles_lock = threading.Lock()


class Turnstile:
    """Lets one call through at a time. Destinations with the same credential share a turnstile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def call(self, who: str) -> Iterator[None]:
        """Waits until no other call is in flight, and keeps others out. Raises `DestinationUnavailableError`."""
        if not self._lock.acquire(timeout=MAX_WAIT):
            message = f"{who} takes one call at a time, and another destination with the same key is at it"
            raise errors.DestinationUnavailableError(message, maybe_applied=False, retry_after=MAX_WAIT)
        try:
            yield
        finally:
            self._lock.release()


def turnstile(credential: str) -> Turnstile:
    """The turnstile of a credential."""
    key = sha256(credential.encode()).digest()
    with _turnstiles_lock:
        found = _turnstiles.get(key)
        if found is None:
            found = _turnstiles[key] = Turnstile()
        return found
