"""The PostgreSQL of a benchmark, the same for all contestants: the embedded one or another, with the same settings."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from syncer import embedded
from tests.bench import installed
from tests.databases import with_database

EMBEDDED = "embedded"
WHICH = "Or a version of Debian's packages (15), or the folder of a PostgreSQL's programs."

# Durable as in production, with the memory of a small server and few checkpoints.
SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "10min",  # tables are vacuumed between the measurements, not during some of them
}

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `url` is of the database that holds warehouse and state, `other_url` of another one. `log` is
    the file that it writes its log to."""

    url: str
    other_url: str
    pid: int
    log: Path

    def run(self, statement: str, url: str | None = None) -> list[tuple[object, ...]]:
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def cpu_seconds(self) -> float:
        """User and system time of the whole server so far, including sessions that have ended."""
        return cpu_of_all(self.pid)

    def settle(self) -> None:
        """Writes out what an earlier measurement left unwritten, so that the next one does not pay for it."""
        self.run("CHECKPOINT")


@contextmanager
def running(folder: Path, more: Mapping[str, str] | None = None, *, which: str = EMBEDDED) -> Iterator[Server]:
    """Starts a server in a folder that the caller may keep, and creates the two databases if they are missing.

    `more` are settings beside or instead of `SETTINGS`. `which`: the embedded one, a version of Debian's packages, or
    the folder of the programs.
    """
    embedded.SETTINGS.update({**SETTINGS, **(more or {})})
    with _started(folder, which) as url:
        yield joined(url)


def _started(folder: Path, which: str) -> AbstractContextManager[str]:
    if which == EMBEDDED:
        return embedded.running(folder)
    return installed.running(folder, installed.programs(which), embedded.SETTINGS)


def joined(url: str) -> Server:
    """A running server of this machine; creates the two databases if they are missing."""
    with psycopg.connect(url, autocommit=True) as connection:
        known = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        for name in ("bench", "bench_state"):
            if name not in known:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        ((cluster,),) = connection.execute("SHOW data_directory").fetchall()
    return on(url, Path(str(cluster)))


def on(url: str, cluster: Path) -> Server:
    """A running server of this machine that has the two databases. `cluster` is its data directory."""
    pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
    log = cluster.parent / "postgres.log"
    return Server(with_database(url, "bench"), with_database(url, "bench_state"), pid, log)


def cpu_of(pid: int) -> float:
    """User and system time of a process so far."""
    return _cpu(pid)[0]


def cpu_of_all(pid: int) -> float:
    """User and system time so far of a process and of those that it started, including those that have ended."""
    own, ended = _cpu(pid, ended_children=True)
    return own + ended + sum(cpu_of(child) for child in _children(pid))


def _cpu(pid: int, *, ended_children: bool = False) -> tuple[float, float]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended, and its time counts as its parent's
        return 0.0, 0.0
    own = (int(fields[11]) + int(fields[12])) / _TICKS
    return own, (int(fields[13]) + int(fields[14])) / _TICKS if ended_children else 0.0


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]
