"""Servers in processes of their own, and what becomes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PROGRAM = """
import signal
import sys
from pathlib import Path
from syncer import embedded
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
with embedded.running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def ended(data_dir: Path) -> Iterator[Path]:
    """Whatever the test did, no server outlives it."""
    yield data_dir
    if data_dir.is_dir() and DataDir(data_dir).is_alive():
        with suppress(errors.StateError), embedded.running(data_dir):
            pass


@contextmanager
def user(data_dir: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the server until the context ends, and the URL that it got."""
    command = [sys.executable, "-c", PROGRAM, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | environment) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def word_in(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM told").fetchone()
    assert row
    return str(row[0])


def postmaster(data_dir: Path) -> int:
    server = DataDir(data_dir).server()
    assert server
    return server.pid


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def orphaned(data_dir: Path) -> int:
    """The server of a user that was killed: its process id."""
    with user(data_dir) as (process, _):
        process.kill()
    assert DataDir(data_dir).is_alive()
    return postmaster(data_dir)


def refusal(data_dir: Path, *, user_namespace: bool = True) -> str:
    with pytest.raises(errors.StateError) as caught, embedded.running(data_dir, user_namespace=user_namespace):
        pass
    return str(caught.value)
