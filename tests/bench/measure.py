"""Runs one program and measures it: seconds, its processor time and PostgreSQL's, its peak memory."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.server import Server, cpu_of

_INHERITED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What users start is compiled. By that variable a checkout would be compiled anew for each start, an installed rival
would not."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. `rss` is the peak of the program itself in MB; `phases` are seconds from its start, which was
    at `began` of the monotonic clock, `cpu_phases` the processor seconds that it took until then."""

    wall: float
    cpu: float
    postgres_cpu: float
    rss: float
    output: str
    began: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    cpu_phases: Mapping[str, float] = field(default_factory=dict)

    def between(self, first: str, second: str) -> float | None:
        """Seconds between two lines on stderr; None unless the program wrote both."""
        if first not in self.phases or second not in self.phases:
            return None
        return self.phases[second] - self.phases[first]

    def since(self, line: str) -> float | None:
        """Seconds from a line on stderr to the end of the program; None if it did not write the line."""
        return None if line not in self.phases else self.wall - self.phases[line]


class FailedError(Exception):
    """A contestant that failed; the message is the end of its output."""


def run(server: Server, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Measured:
    """Runs a program to its end and times each line that it writes on stderr, where contestants name their phases."""
    server.settle()
    postgres_before = server.cpu_seconds()
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**_INHERITED, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    phases: dict[str, float] = {}
    cpu_phases: dict[str, float] = {}
    said: list[str] = []
    assert process.stdout is not None

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            phases.setdefault(line.strip(), time.monotonic() - began)
            cpu_phases.setdefault(line.strip(), cpu_of(process.pid))

    peak = _Peak(process.pid)
    listeners = [threading.Thread(target=listen), threading.Thread(target=peak.watch)]
    for listener in listeners:
        listener.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    peak.over.set()
    for listener in listeners:
        listener.join()
    process.stdout.close()
    if process.stderr is not None:
        process.stderr.close()
    # reladiff exits with 0 whatever happened.
    if process.returncode or any(" ERROR - " in line for line in said):
        raise FailedError(f"exit code {process.returncode}: {(''.join(said) + output)[-2000:]}")
    return Measured(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        postgres_cpu=server.cpu_seconds() - postgres_before,
        rss=peak.megabytes,
        output=output,
        began=began,
        phases=phases,
        cpu_phases=cpu_phases,
    )


class _Peak:
    """The most memory that a process had, from /proc: `ru_maxrss` would begin with the parent's after a fork."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self.over = threading.Event()
        self.megabytes = 0.0

    def watch(self) -> None:
        while not self.over.wait(0.02):
            with suppress(FileNotFoundError, ProcessLookupError):
                lines = self._status.read_text().splitlines()
                self.megabytes = next(
                    (int(line.split()[1]) / 1024 for line in lines if "VmHWM" in line), self.megabytes
                )
