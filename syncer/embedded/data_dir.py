"""What lies in `data_dir`: the cluster, the log, the record of the server, and the locks.

Owns their names. Starts and stops nothing.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from syncer import errors

TURN = 900.0
"""Seconds to wait for a turn: longer than any start, recovery after a crash included, may take."""
POLL = 0.01
SCARCE = 200
"""Megabytes. A new cluster takes 40, and its log of changes grows in steps of 16."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as its `postmaster.pid` describes it. It may be long gone."""

    pid: int
    socket_folder: Path
    status: str


@dataclass(frozen=True, slots=True)
class DataDir:
    """A `data_dir`, absolute and without symbolic links."""

    data_dir: Path

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def server(self) -> Server | None:
        """What is recorded, or None if nothing is, or not yet all of it."""
        try:
            pid, _, _, _, folder, _, _, status, *_ = self.pid_file.read_text().splitlines()
            return Server(int(pid), Path(folder), status.strip())
        except (FileNotFoundError, ValueError):
            return None

    def opened_users(self) -> int:
        """The file that every user of the server holds locked, shared; not locked yet."""
        return _opened(self.data_dir / "users.lock")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Only one command at a time starts or stops the server."""
        lock = _opened(self.data_dir / "server.lock")
        try:
            deadline = time.monotonic() + TURN
            while not locked(lock):
                if time.monotonic() > deadline:
                    raise self.failure(f"is still being started or stopped by another command after {TURN:g} s")
                time.sleep(POLL)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # not left to close: somebody may have forked
            os.close(lock)

    def claimed_log(self) -> int | None:
        """The log, locked, to be handed to a new server; None while any process of an earlier one lives."""
        file = _opened(self.log)
        if locked(file):
            return file
        os.close(file)
        return None

    def is_alive(self) -> bool:
        """Whether any process of the server lives, answering or not."""
        claimed = self.claimed_log()
        if claimed is None:
            return True
        os.close(claimed)
        return False

    def failure(self, what: str) -> errors.StateError:
        """The error that says what went wrong, and all that helps to find out why."""
        lines = self.log.read_text(errors="replace").splitlines()[-8:] if self.log.exists() else []
        free = shutil.disk_usage(self.data_dir).free // 2**20
        disk = f" ({free} MB are free on its disk)" if free < SCARCE else ""
        return errors.StateError(
            f"the embedded PostgreSQL in {self.data_dir} {what}{disk}; look into {self.log}, or name a server by"
            " state.url" + "".join(f"\n  {line}" for line in lines)
        )


def locked(file: int) -> bool:
    """Locks the file for us alone, if nobody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int:
    """Closed in children: a lock stays as long as anybody has its file open."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
