"""Sets logging up: structlog's events and the records of other libraries leave by one handler, in one format.

Above DEBUG there is no personal data: every e-mail address is masked, also in tracebacks and in what libraries log.
At no level is there a secret, so libraries are heard by a list of those that may be: others log the URLs that they are
given, also in warnings.
"""

import functools
import json
import logging
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncer.escaping import escaped, escaped_json, escaped_lines
from syncer.masking import masked

_OURS = "syncer"
_HEARD = ("apscheduler", "psycopg")
"""Libraries whose warnings are heard. What goes wrong in any other reaches us as an error of its own."""


def configure(log_format: Literal["auto", "human", "json"], level: str, stream: TextIO | None = None) -> None:
    """Logs to `stream` (stderr) from now on. Context bound by `structlog.contextvars` is part of every line."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_emails,
        *_rendering(log_format, stream),
    ]
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)  # a library's own logger may be set lower than the root
    handler.addFilter(_may_be_heard)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=final, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _may_be_heard(record: logging.LogRecord) -> bool:
    library = record.name.split(".")[0]
    return library == _OURS or (record.levelno >= logging.WARNING and library in _HEARD)


def _rendering(log_format: str, stream: TextIO) -> list[Processor]:
    if log_format == "human" or (log_format == "auto" and stream.isatty()):
        # Plain tracebacks: the pretty ones print local variables, and so secrets.
        plain = structlog.dev.plain_traceback
        return [_escape, structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    return [structlog.processors.JSONRenderer(functools.partial(_as_json, stream.encoding or "utf-8"))]


def _as_json(encoding: str, event: Any, **options: Any) -> str:
    return escaped_json(json.dumps(event, ensure_ascii=False, **options), encoding)


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """No text but a traceback has several lines."""
    return {
        key: (escaped_lines if key in ("exception", "stack") else escaped)(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def mask_emails(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """`ada@example.com` becomes `a***@e***`, wherever it stands, except at DEBUG."""
    return event if event.get("level") == "debug" else masked(event)
