"""How a run shows itself while it runs: bars with rate and time left on a terminal, plain lines otherwise."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from syncer import sync
from syncer.cli import screen
from syncer.escaping import escaped

_PHASES = {
    "reading": "reading the warehouse and planning",
    "delivering": "delivering",
    "closing": "closing the run",
}
_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def watching(console: Console | None = None) -> Iterator[sync.Progress]:
    """Shows one run on stderr: bars on a terminal, lines elsewhere."""
    console = console or screen.stderr
    if not console.is_terminal:
        yield Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield Bars(bars)


class Bars:
    """For a terminal. See `sync.Progress`."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._phase = bars.add_task("starting", total=None, rate="")
        self._tasks: dict[str, TaskID] = {}

    def phase(self, name: str) -> None:
        self._bars.update(self._phase, description=_PHASES[name])

    def planned(self, destination: str, identifies: int) -> None:
        if destination in self._tasks:
            self._bars.update(self._tasks[destination], total=identifies)
        else:
            self._tasks[destination] = self._bars.add_task(escaped(destination), total=identifies, rate="")

    def sent(self, destination: str, identifies: int) -> None:
        task = self._tasks[destination]
        self._bars.update(task, advance=identifies)
        speed = self._bars.tasks[task].finished_speed or self._bars.tasks[task].speed
        self._bars.update(task, rate=f"{speed:,.0f}/s" if speed else "")


class Lines:
    """For a pipe or a file: a line per phase, and one every few seconds while much is sent. See `sync.Progress`."""

    def __init__(self) -> None:
        self._total: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._lock = threading.Lock()
        self._began_at = self._printed_at = time.monotonic()

    def phase(self, name: str) -> None:
        screen.say(_PHASES[name])
        self._began_at = self._printed_at = time.monotonic()

    def planned(self, destination: str, identifies: int) -> None:
        with self._lock:
            self._total[destination] = identifies
            self._sent.setdefault(destination, 0)
        screen.say(f"{destination}: {identifies:,} contacts to tell")

    def sent(self, destination: str, identifies: int) -> None:
        with self._lock:
            self._sent[destination] += identifies
            now = time.monotonic()
            if now - self._printed_at < _SECONDS_BETWEEN_LINES:
                return
            self._printed_at = now
            sent, total = self._sent[destination], self._total[destination]
            rate = sent / (now - self._began_at)
        left = f", {(total - sent) / rate:,.0f} s left" if sent else ""
        screen.say(f"{destination}: {sent:,} of {total:,}, {rate:,.0f}/s{left}")
