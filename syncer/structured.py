"""What structlog makes of events and records. `log` imports it with the first one, for that takes long."""

import functools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncer.escaping import escaped, escaped_json, escaped_lines
from syncer.masking import masked

_SHARED: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

structlog.configure(  # its events become records of the standard library, whose handlers may change
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)


def logger(name: str) -> Any:
    """structlog's logger of this name."""
    return structlog.get_logger(name)


def formatter(log_format: str, stream: TextIO, bound: Callable[[], Mapping[str, object]]) -> logging.Formatter:
    """Writes lines of this format for a stream, each with what is `bound` then."""

    def add_bound(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**bound(), **event}

    final: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        add_bound,
        structlog.processors.format_exc_info,
        mask_emails,
        *_rendering(log_format, stream),
    ]
    return structlog.stdlib.ProcessorFormatter(processors=final, foreign_pre_chain=_SHARED)


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
