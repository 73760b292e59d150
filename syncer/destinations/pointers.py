"""JSON pointers (RFC 6901): where something stands in an answer."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from syncer import fields

MISSING = object()
"""What is not there."""

_POINTER = re.compile(r"(/([^~]|~[01])*)?", re.DOTALL)
_PLACE = re.compile(r"0|[1-9][0-9]{0,8}")


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError('must be a JSON pointer, such as "/result/errors"; "" is all of it')
    return text


Pointer = Annotated[str, BeforeValidator(fields.text), AfterValidator(_pointer)]


def at_pointer(found: object, pointer: str) -> object:
    """What is at a pointer, or `MISSING`."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(key, MISSING)
        elif isinstance(found, list) and _PLACE.fullmatch(key) and int(key) < len(found):
            found = found[int(key)]
        else:
            return MISSING
    return found
