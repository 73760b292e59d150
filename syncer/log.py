"""Logging: our events, which are structlog's, and the records of libraries leave by one handler, in one format.

Above DEBUG there is no personal data: every e-mail address is masked, also in tracebacks and in what libraries log.
At no level is there a secret, so libraries are heard by a list of those that may be: others log the URLs that they are
given, also in warnings.
"""

import functools
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Literal, TextIO

_OURS = "syncer"
_HEARD = ("apscheduler", "psycopg")
"""Libraries whose warnings are heard. What goes wrong in any other reaches us as an error of its own."""

_BOUND: ContextVar[Mapping[str, object]] = ContextVar("bound", default=MappingProxyType({}))


class Logger:
    """A module's logger, which is structlog's. That is imported with the first event: most commands have none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, **values: object) -> None:
        self._structured.debug(event, **values)

    def info(self, event: str, **values: object) -> None:
        self._structured.info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        self._structured.warning(event, **values)

    def error(self, event: str, **values: object) -> None:
        self._structured.error(event, **values)

    def exception(self, event: str, **values: object) -> None:
        """An error, with the traceback of what is being handled."""
        self._structured.exception(event, **values)

    @functools.cached_property
    def _structured(self) -> Any:
        from syncer import structured

        return structured.logger(self._name)


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """These values are part of every line that this context logs, for the block."""
    token = _BOUND.set({**_BOUND.get(), **values})
    try:
        yield
    finally:
        _BOUND.reset(token)


def configure(log_format: Literal["auto", "human", "json"], level: str, stream: TextIO | None = None) -> None:
    """Logs to `stream` (stderr) from now on."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)  # a library's own logger may be set lower than the root
    handler.addFilter(_may_be_heard)
    handler.setFormatter(_Formatter(log_format, stream))
    logging.basicConfig(handlers=[handler], level=level, force=True)


class _Formatter(logging.Formatter):
    """Writes lines as `structured` does, which is imported with the first one."""

    def __init__(self, log_format: str, stream: TextIO) -> None:
        super().__init__()
        self._format, self._stream = log_format, stream

    def format(self, record: logging.LogRecord) -> str:
        return self._structured.format(record)

    @functools.cached_property
    def _structured(self) -> logging.Formatter:
        from syncer import structured

        return structured.formatter(self._format, self._stream, _BOUND.get)


def _may_be_heard(record: logging.LogRecord) -> bool:
    library = record.name.split(".")[0]
    return library == _OURS or (record.levelno >= logging.WARNING and library in _HEARD)
