"""What a daemon and its state take, looked at again and again: memory, processor, bytes; and how fast it answers."""

import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.bench.server import Server, cpu_of

PAUSE_SECONDS, ASKING_SECONDS = 5.0, 30.0
"""Between two samples, and between two times at which somebody asks how it stands."""

PAGES = ("/metrics", "/", "/runs", "/audiences/audience_000")

_KINDS = ("catalog", "history", "state")
# The history grows with what was told; the state and the catalog must not.
_SIZES = """
SELECT
    CASE
        WHEN n.nspname = 'pg_catalog' THEN 'catalog'
        WHEN c.relname ~ '^(run|sync_change|sync_page|sync_exception)' THEN 'history'
        ELSE 'state'
    END AS kind,
    c.relname,
    pg_total_relation_size(c.oid),
    coalesce(pg_stat_get_dead_tuples(c.oid), 0)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('pg_catalog', 'syncer')
"""
_SESSION = "SELECT pid FROM pg_stat_activity WHERE application_name = 'syncer daemon' LIMIT 1"


@dataclass(frozen=True, slots=True)
class Sample:
    """At so many seconds; memory and sizes in MB, processor time since the beginning in seconds.

    `session` is the memory of the daemon's own session at the server.
    """

    at: float
    memory: float
    session: float
    cpu: float
    server_cpu: float
    catalog: float
    history: float
    state: float
    dead_rows: int
    log: float


@dataclass(slots=True)
class Sampler:
    """Samples until it is told to stop. `status` is the command that says how it stands.

    `answers`: how many seconds whoever asked waited each time, by what they asked. `tables`: their sizes in MB.
    """

    server: Server
    pid: int
    log: Path
    address: str
    status: Sequence[str]
    samples: list[Sample] = field(default_factory=list)
    tables: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[float]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)

    def watch(self, stop: threading.Event) -> None:
        """Returns once `stop` is set, or the daemon has ended."""
        began, cpu, server_cpu = time.monotonic(), cpu_of(self.pid), self.server.cpu_seconds()
        while not stop.is_set() and cpu_of(self.pid):
            sizes, dead = self._sizes()
            self.samples.append(
                Sample(
                    at=time.monotonic() - began,
                    memory=_own(self.pid),
                    session=self._session(),
                    cpu=cpu_of(self.pid) - cpu,
                    server_cpu=self.server.cpu_seconds() - server_cpu,
                    dead_rows=dead,
                    log=self.log.stat().st_size / 1e6,
                    **sizes,
                )
            )
            stop.wait(max(0.0, began + len(self.samples) * PAUSE_SECONDS - time.monotonic()))

    def _sizes(self) -> tuple[dict[str, float], int]:
        sizes, dead = dict.fromkeys(_KINDS, 0.0), 0
        for kind, table, size, dead_rows in self.server.run(_SIZES):
            sizes[str(kind)] += int(str(size)) / 1e6
            dead += int(str(dead_rows))
            self.tables.setdefault(str(table), []).append(int(str(size)) / 1e6)
        return sizes, dead

    def _session(self) -> float:
        found = self.server.run(_SESSION)
        return _own(int(str(found[0][0]))) if found else 0.0

    def ask(self, stop: threading.Event) -> None:
        """Asks the pages and the command again and again, until `stop` is set."""
        asked: dict[str, Callable[[], object]] = {page: partial(_get, self.address + page) for page in PAGES}
        asked["syncer status"] = partial(subprocess.run, self.status, check=True, capture_output=True, timeout=60)
        while not stop.wait(ASKING_SECONDS if self.answers else 0):
            for name, ask in asked.items():
                began = time.monotonic()
                try:
                    ask()
                except (OSError, subprocess.SubprocessError) as error:
                    self.unanswered.append(f"{name}: {error}")
                else:
                    self.answers.setdefault(name, []).append(time.monotonic() - began)


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()


def _own(pid: int) -> float:
    """Memory that is a process's own, in MB. Of a server's session the buffers that it looked at are not."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Anonymous:")) / 1024
