"""The watchdog of systemd: it ends a daemon whose main thread no longer goes round, and starts it again."""

import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from syncer import errors, sync

_MICROSECONDS = re.compile("[0-9]{1,20}")


class Watchdog:
    """Tells systemd that the daemon is alive, if systemd asks for it; a `serve.Watcher`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = (
            environ.get("NOTIFY_SOCKET", "") if _MICROSECONDS.fullmatch(environ.get("WATCHDOG_USEC", "")) else ""
        )
        self._pause = int(environ["WATCHDOG_USEC"]) / 1e6 / 4 if self._address else 0.0
        self._beaten: float | None = None

    def beat(self) -> None:
        """See `serve.Watcher`."""
        now = time.monotonic()
        if not self._address or (self._beaten is not None and now - self._beaten < self._pause):
            return
        self._beaten = now
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"WATCHDOG=1", self._address.replace("@", "\0", 1))

    def leads(self, leading: bool) -> None:  # noqa: FBT001
        """See `serve.Watcher`."""

    def lost(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`."""

    def ran(self, result: sync.Result) -> None:
        """See `serve.Watcher`."""

    def could_not_run(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`."""
