"""Where a list was left, by a name that says nothing of whom it was left at: an address may stand in a key."""

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence

_MOST = 10_000


class Places:
    """Names for the keys of rows. Those that were given last are remembered, as long as this process lives."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._secret = secrets.token_bytes(32)
        self._keys: OrderedDict[str, Sequence[object]] = OrderedDict()
        self._lock = threading.Lock()

    def name(self, key: Sequence[object]) -> str:
        """The name of a key: the same key has the same name."""
        name = hashlib.blake2b(json.dumps(key).encode(), key=self._secret, digest_size=12).hexdigest()
        with self._lock:
            self._keys[name] = key
            self._keys.move_to_end(name)
            if len(self._keys) > self._most:
                self._keys.popitem(last=False)
        return name

    def find(self, name: str) -> Sequence[object] | None:
        """The key of a name, or None if that was never given, or too long ago."""
        with self._lock:
            return self._keys.get(name)
