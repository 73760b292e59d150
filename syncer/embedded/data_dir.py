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
"""Megabytes of free disk below which an error names them: a new cluster takes 40, its write-ahead log grows by 16."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as its `postmaster.pid` describes it. It may be long gone."""

    pid: int
    socket_folder: Path
    status: str


@dataclass(frozen=True, slots=True)
class DataDir:
    """A `data_dir` whose path is absolute and without symbolic links."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "DataDir":
        """The `data_dir` at any path."""
        return cls(Path(os.path.realpath(path)))

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        return self.path / "postgres.log"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def server(self) -> Server | None:
        """The server that is recorded; None if none is, or not yet completely."""
        try:
            pid, _, _, _, folder, _, _, status, *_ = self.pid_file.read_text().splitlines()
            return Server(int(pid), Path(folder), status.strip())
        except (FileNotFoundError, ValueError):
            return None

    def open_users_lock(self) -> int:
        """Opens the file that every user of the server holds locked, shared. Does not lock it."""
        return _open(self.path / "users.lock")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Lets only one command at a time start or stop the server."""
        lock = _open(self.path / "server.lock")
        try:
            deadline = time.monotonic() + TURN
            while not try_lock(lock):
                if time.monotonic() > deadline:
                    raise self.failure(f"is still being started or stopped by another command after {TURN:g} s")
                time.sleep(POLL)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # not left to close: a fork may hold the file open
            os.close(lock)

    def claim_log(self) -> int | None:
        """Opens and locks the log, to be handed to a new server; None while any process of an earlier one lives."""
        file = _open(self.log)
        if try_lock(file):
            return file
        os.close(file)
        return None

    def is_alive(self) -> bool:
        """Whether any process of the server lives, answering or not."""
        claimed = self.claim_log()
        if claimed is None:
            return True
        os.close(claimed)
        return False

    def failure(self, what: str) -> errors.StateError:
        """The error that says what went wrong, and all that helps to find out why."""
        lines = self.log.read_text(errors="replace").splitlines()[-8:] if self.log.exists() else []
        free = shutil.disk_usage(self.path).free // 2**20
        disk = f" ({free} MB are free on its disk)" if free < SCARCE else ""
        return errors.StateError(
            f"the embedded PostgreSQL in {self.path} {what}{disk}; look into {self.log}, or name a server by"
            " state.url" + "".join(f"\n  {line}" for line in lines)
        )


def try_lock(file: int) -> bool:
    """Locks the file for us alone, if no other process holds it; returns whether it did."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    """Opens a file that children do not get: a lock stays as long as any process has its file open."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
