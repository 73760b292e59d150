"""The standard streams of a command: whoever reads them may go away, or have no room left.

What becomes of a run must not depend on whether somebody hears of it. So a stream never fails: what cannot be written
is lost, and the stream remembers why. Who needs to know that it was written asks `insist`.
"""

import contextlib
import errno
import io
import os
import sys
from typing import Any, TextIO, cast

from syncer import errors

_NOBODY_READS = (errno.EPIPE, errno.EBADF)
"""The reader has gone (`| head`), or never was one (`>&-`): that is their choice, and no error."""


class Stream:
    """A text stream that loses what cannot be written. `lost` is why, if that has happened."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Writes the text, or loses it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self.lost = error
        return len(text)

    def flush(self) -> None:
        """Writes what waits, or loses it."""
        try:
            self._stream.flush()
        except OSError as error:
            self.lost = error

    def end(self) -> None:
        """Lets go of what could not be written: Python would try once more when it ends, and complain."""
        self.flush()
        if self.lost is not None:
            with contextlib.suppress(OSError):  # a stream of a test has no number
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_streams() -> None:
    """Makes such streams of the standard ones, and nothing of those that are closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # or the next file or connection would get this number, and what is printed
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = _open(sys.stdout), _open(sys.stderr)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - it lives as long as the process


def _open(stream: TextIO | None) -> TextIO:
    if stream is None:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it lives as long as the process
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # data may hold what the terminal's encoding does not
    return cast("TextIO", Stream(stream))


def end_streams() -> None:
    """The last act of a command. Raises `OutputError` if data was lost for another reason than that nobody reads."""
    for stream in (sys.stderr, sys.stdout):
        if isinstance(stream, Stream):
            stream.end()
    lost = getattr(sys.stdout, "lost", None)
    if lost is not None and lost.errno not in _NOBODY_READS:
        raise errors.OutputError(f"not all of stdout could be written: {lost.strerror}")


def is_heard() -> bool:
    """Whether all that was printed on stdout so far went out, or waits to."""
    return getattr(sys.stdout, "lost", None) is None


def insist(consequence: str) -> None:
    """Raises `OutputError` with the consequence, unless everything that was printed so far has gone out."""
    sys.stdout.flush()
    lost = getattr(sys.stdout, "lost", None)
    if lost is not None:
        raise errors.OutputError(f"stdout could not be written ({lost.strerror}): {consequence}")
