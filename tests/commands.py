"""The command `syncer`: in this process, which is quick, or as a process of its own, where that is the subject."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from syncer.cli import main, screen

SYNCER = str(Path(sys.executable).with_name("syncer"))
TIMEOUT = 120.0

Done = subprocess.CompletedProcess[str]


def call(
    arguments: Sequence[str],
    typed: str = "",
    stdout: io.TextIOWrapper | None = None,
    stderr: io.TextIOWrapper | None = None,
) -> Done:
    """Runs the command's entry here, with `typed` on standard input and no terminal. Only in the main thread.

    What tests have patched is patched for the command too. Logging is put back to what it was.
    """
    stdin, stdout, stderr = _stream(typed), stdout or _stream(), stderr or _stream()
    with (
        mock.patch.object(sys, "argv", ["syncer", *arguments]),
        mock.patch.object(sys, "stdin", stdin),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        own_logging(),
    ):
        out, err = screen.consoles()
        with (
            mock.patch.object(screen, "stdout", out),
            mock.patch.object(screen, "stderr", err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(["syncer", *arguments], code, _text(stdout), _text(stderr))


def process(arguments: Sequence[str], **options: Any) -> Done:
    """Runs the installed command to its end, as a user would."""
    return subprocess.run([SYNCER, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False, **options)


def start(arguments: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Starts the installed command; the caller waits for it or kills it."""
    pipe = subprocess.PIPE
    return subprocess.Popen([SYNCER, *arguments], stdout=pipe, stderr=pipe, text=True, **options)


def _stream(text: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextmanager
def own_logging() -> Iterator[None]:
    """What sets up logging for its process does so for this block; then the handlers of pytest come back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()  # or they would be closed
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
