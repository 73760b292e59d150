"""Months in short: runs every second, faults, and takeovers; memory, connections and files of the daemons stay flat.

`SYNCER_SOAK=1h` keeps it up for longer, as `SYNCER_SOAK=20s`, the default, does in CI.
"""

import os
import random
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from syncer.fields import duration
from syncer.receivers.loopback import Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.acceptance.test_daemon import OFTEN, Daemons
from tests.world import Report, Row, World, truth, until

SAMPLES = 10
SECONDS = duration(os.environ.get("SYNCER_SOAK") or "20s")
FAULTS = (None, None, None, Answer(503), Reset(), Answer(429, {"Retry-After": "1"}), Answer(401))


@dataclass
class Usage:
    """What one daemon uses, sampled: memory in MB that is its own, sessions with the state, open files."""

    memory: list[float] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def sample(self, world: World, pid: int) -> None:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        private = [int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")]
        self.memory.append(sum(private) / 1024)
        self.files.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        self.sessions.append(
            world.query(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'syncer %%'"
            )[0][0]
        )


class Listened(Daemons):
    """Somebody reads what they say all the while: in a long life a full pipe would stop them."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.listeners: list[threading.Thread] = []

    def start(self) -> subprocess.Popen[str]:
        process = super().start()
        self.listeners.append(threading.Thread(target=process.communicate))
        self.listeners[-1].start()
        return process

    def end(self) -> None:
        for process, listener in zip(self.started, self.listeners, strict=True):
            process.kill()
            listener.join()


@pytest.fixture
def daemons(world: World) -> Iterator[Daemons]:
    world.extra = OFTEN
    daemons = Listened(world)
    yield daemons
    daemons.end()


@pytest.mark.timeout(SECONDS + 240)
def test_it_stays_as_small_as_it_began(world: World, daemons: Daemons, report: Report) -> None:
    rng = random.Random(7)
    rows: set[Row] = {("VIP Buyers", f"u{n}", f"u{n}@x.io") for n in range(500)}
    world.warehouse.replace(rows)
    assert world.command("sync").returncode == 0
    daemons.start(), daemons.start()
    until(lambda: daemons.leader())
    usage, taken_over = Usage(), 0
    began = time.monotonic()
    while (spent := time.monotonic() - began) < SECONDS or len(usage.memory) < SAMPLES:
        world.receiver.script = at_first(rng.choice(FAULTS))
        rows = change(rng, rows)
        world.warehouse.replace(rows)
        runs = closed(world)
        until(partial(another_run, world, runs))
        if taken_over < 3 and spent > SECONDS * (taken_over + 1) / 5:  # in the first three fifths
            take_over(daemons, rng)
            taken_over += 1
            usage = Usage()
        usage.sample(world, daemons.leader() or 0)
    world.receiver.script = None
    until(lambda: world.believed() == truth(rows))

    for process in daemons.started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    report(
        f"{SECONDS:.0f} s, {closed(world)} runs, {taken_over} takeovers; then from {usage.memory[0]:.1f} to"
        f" {usage.memory[-1]:.1f} MB private, at most {max(usage.sessions)} sessions, {max(usage.files)} files"
    )
    half = len(usage.memory) // 2
    early, late = statistics.median(usage.memory[:half]), statistics.median(usage.memory[half:])
    assert late <= early * 1.05 + 3, usage.memory
    assert max(usage.sessions) <= 12, usage.sessions
    assert max(usage.files[half:]) <= max(usage.files[:half]) + 4, usage.files
    assert world.command("verify").returncode == 0


def at_first(fault: Answer | Reset | None) -> Callable[[ReceivedRequest], Answer | Reset | None]:
    """Every request meets the fault when it comes for the first time, and is taken the second time."""
    return lambda request: fault if request.attempt == 1 else None


def closed(world: World) -> int:
    count: int = world.query("SELECT count(*) FROM run WHERE phase = 'closed'")[0][0]
    return count


def another_run(world: World, runs: int) -> bool:
    return closed(world) > runs


def change(rng: random.Random, rows: set[Row]) -> set[Row]:
    """One in twenty leaves, about as many come."""
    staying = {row for row in rows if rng.random() > 0.05}
    return staying | {("VIP Buyers", f"u{n}", f"u{n}@x.io") for n in rng.sample(range(2000), 25)}


def take_over(daemons: Daemons, rng: random.Random) -> None:
    """Ends the leader, rudely or not, and starts another that stands by."""
    leader = daemons.leader()
    for process in daemons.started:
        if process.pid == leader:
            process.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
            process.wait(timeout=60)
    daemons.start()
    until(lambda: daemons.leader() not in (leader, None))
