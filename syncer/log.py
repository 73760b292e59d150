"""Sets logging up: structlog's events and the records of other libraries leave by one handler, in one format.

Above DEBUG there is no personal data: every e-mail address is masked, also in tracebacks and in what libraries log.
"""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncer.masking import masked

_QUIET = ("httpx", "httpcore", "apscheduler")
_SILENT = ("apprise",)
"""It quotes its URLs, which are secret; `alerts` says what fails there."""


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
        _renderer(log_format, stream),
    ]
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)  # a library's own logger may be set lower than the root
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=final, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
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


def _renderer(log_format: str, stream: TextIO) -> Processor:
    if log_format == "human" or (log_format == "auto" and stream.isatty()):
        # Plain tracebacks: the pretty ones print local variables, and so secrets.
        plain = structlog.dev.plain_traceback
        return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def mask_emails(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """`ada@example.com` becomes `a***@e***`, wherever it stands, except at DEBUG."""
    return event if event.get("level") == "debug" else masked(event)
