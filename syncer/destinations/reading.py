"""What a destination says of a contact when it is asked: the answers, and how much of them is believed."""

from datetime import UTC, datetime

from syncer import errors
from syncer.calls import Belief
from syncer.destinations.bodies import NotJSONError, read_json
from syncer.destinations.http import Answer
from syncer.destinations.pointers import MISSING, at_pointer

_SECONDS_UNTIL = 10_000_000_000
"""Greater numbers are milliseconds since 1970."""


def check_program(answer: Answer) -> None:
    """Raises `UnreadableError` for what no program answers to a program: a page for people, or bytes that it was not
    asked for. Whatever its status says, that is of something on the way, or of another address."""
    if answer.is_encoded:
        message = f"answered {answer.status} in an encoding that it was not asked for"
        raise errors.UnreadableError(message)
    if answer.is_page:
        message = f"answered {answer.status} with a web page"
        raise errors.UnreadableError(message)


def json_of(answer: Answer) -> object:
    """The JSON of an answer. Raises `UnreadableError`."""
    check_program(answer)
    try:
        return read_json(answer.body)
    except NotJSONError:
        message = f"answered {answer.status}, and no JSON"
        raise errors.UnreadableError(message) from None


def belief_in(found: object, values: str, changed_at: str | None) -> Belief:
    """What stands at these places of the JSON: the properties, and when they were changed. Raises `UnreadableError`."""
    properties = at_pointer(found, values)
    if properties is MISSING:
        message = f"answered without anything at {values!r}"
        raise errors.UnreadableError(message)
    if not isinstance(properties, dict):
        message = f"answered with something else than a map at {values!r}"
        raise errors.UnreadableError(message)
    return Belief(properties, None if changed_at is None else moment(at_pointer(found, changed_at)))


def moment(value: object) -> datetime | None:
    """A time in ISO 8601 (without a zone: UTC), or in seconds or milliseconds since 1970; None for anything else."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return read if read.tzinfo else read.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value if abs(value) < _SECONDS_UNTIL else value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
