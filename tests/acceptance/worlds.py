"""Worlds for tests through the installed command: what every output must be, other warehouses, an embedded state."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy

from syncer import embedded
from syncer.receivers.loopback import Fault
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from tests.commands import Done
from tests.world import Row, World, Write

WRITE_KEY = "test-write-key"
PASSWORD = "sw0rdfish"
TIMEOUT = 60.0
IN_FLIGHT = 4
"""How many requests may be under way by default."""


def with_password(url: str) -> str:
    """The URL with a password that must never be shown; the embedded server does not ask for one."""
    parsed = sqlalchemy.make_url(url)
    return url if parsed.password else parsed.set(password=PASSWORD).render_as_string(hide_password=False)


def assert_presentable(output: str) -> None:
    """What holds for everything that a command prints into a pipe, whatever it was asked."""
    assert WRITE_KEY not in output
    assert PASSWORD not in output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", output), repr(output)


class CarefulWorld(World):
    """Every output is presentable, no error is a traceback, and what fails before a run says nothing on stdout."""

    def command(self, *arguments: str, typed: str = "") -> Done:
        return _careful(super().command(*arguments, typed=typed))

    def process(self, *arguments: str) -> Done:
        return _careful(super().process(*arguments))


def _careful(done: Done) -> Done:
    assert_presentable(done.stdout + done.stderr)
    if "-v" not in done.args:
        assert "Traceback" not in done.stderr
    assert done.returncode != 1, done.stderr
    if done.returncode in (3, 4):
        assert done.stdout == ""
    return done


@dataclass
class EmbeddedWorld(World):
    """The state is the embedded PostgreSQL, in a folder that nobody else uses."""

    @property
    def data_dir(self) -> Path:
        return self.folder / "state"

    @property
    def text(self) -> str:
        return super().text.replace('[state]\nurl = ""', f'[state]\ndata_dir = "{self.data_dir}"')

    @contextmanager
    def asking(self) -> Iterator[psycopg.Connection[Any]]:
        with (
            embedded.running(self.data_dir) as url,
            psycopg.connect(url, options="-c search_path=syncer") as connection,
        ):
            yield connection


class FileWrite(Write):
    """A warehouse in a file; `connect` opens it with its own driver and closes it before anybody else reads."""

    def __init__(self, url: str, connect: Callable[[], Any]) -> None:
        self._connect = connect
        super().__init__(url)

    def run(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        with self.changing(), closing(self._connect()) as connection:
            connection.execute(statement, parameters or ())
            connection.commit()

    def replace(self, rows: Iterable[Row]) -> None:
        with self.changing(), closing(self._connect()) as connection:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM members")
            connection.executemany("INSERT INTO members VALUES (?, ?, ?)", list(rows))
            connection.commit()


class Gate:
    """A receiver's script: the first requests pass, the others wait until it opens, then end with `fault`."""

    def __init__(self, receiver: SegmentReceiver, passing: int, fault: Fault | None = None) -> None:
        self._receiver = receiver
        self._passing = passing
        self._fault = fault
        self._opened = threading.Event()
        receiver.script = self

    def __call__(self, request: ReceivedRequest) -> Fault | None:
        if request.number <= self._passing or self._opened.is_set():
            return None
        self._opened.wait(TIMEOUT)
        return self._fault

    def wait_for(self, waiting: int = IN_FLIGHT) -> None:
        """Until this many requests wait: then the pages of those that passed are settled, unless fewer may fly."""
        http = self._receiver.http
        assert self._receiver.wait_for(lambda: http.arrived >= self._passing + waiting, TIMEOUT)

    def open(self) -> None:
        """Also waits until what came to it has taken effect, or has not."""
        self._opened.set()
        assert self._receiver.wait_for(lambda: self._receiver.http.in_progress == 0, TIMEOUT)


@contextmanager
def running(world: World, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is still running; it does not outlive the block."""
    with world.start(*arguments) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the process says on stderr, up to the line with these words."""
    assert process.stderr
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, f"it ended without {words!r}: {said}"
        said += line
    return said
