"""How long a receiver asks us to wait, in whichever way it says so."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from syncer.exchanges import Fetched

MAX_WAIT = 3600.0
"""Seconds of `Retry-After` that are obeyed at most: a receiver's slip must not stop a destination for a week."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_RESETS = ("X-RateLimit-Reset", "RateLimit-Reset", "X-Rate-Limit-Reset")
_UNITS = (1, 1e3, 1e6, 1e9)
"""A second in seconds, milliseconds, microseconds and nanoseconds."""
_AROUND_NOW = 366 * 86_400.0
"""Seconds. A time since 1970 that is this near is meant as one; as a wait it would be of fifty years."""


def retry_after(fetched: Fetched, now: datetime) -> float | None:
    """Seconds that the receiver asks us to wait, at most `MAX_WAIT`. None if it does not ask, or not readably.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3). A 429 may have `X-RateLimit-Reset` instead: with Segment in
    seconds from now ("HTTP API source", Rate limits), with others a moment. See `_parse_wait`.
    """
    wait = _parse_wait(fetched.headers.get("Retry-After", ""), now)
    if wait is None and fetched.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = next(
            (wait for name in _RESETS if (wait := _parse_wait(fetched.headers.get(name, ""), now)) is not None), None
        )
    return None if wait is None else min(wait, MAX_WAIT)


def _parse_wait(text: str, now: datetime) -> float | None:
    """Seconds from now until what a header says: a number of them, a date, or the time since 1970 in whichever unit.

    A number is such a time if it is one around now. What is past asks for no wait.
    """
    if _SECONDS.fullmatch(text.strip()):
        number = float(text)
        since = (number / unit - now.timestamp() for unit in _UNITS)
        wait = next((wait for wait in since if -_AROUND_NOW < wait < _AROUND_NOW), number)
    else:
        date = _parse_date(text.strip())
        if date is None:
            return None
        wait = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    return wait if wait >= 0 else None


def _parse_date(text: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(text)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
