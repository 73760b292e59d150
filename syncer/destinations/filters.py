"""What templates do with values: how they are written, and filters whose work and size are bounded.

A text is written the same way wherever it is made: true is `true`, and null, which a text cannot hold, is a mistake.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Undefined

_LONGEST_LOOP = 1000
MOST_CHARACTERS = 1 << 20
"""Of a template, and of what a filter makes."""
_MOST_WRITTEN = 16 << 20
"""Characters that a template makes of one call."""


class MistakeError(Exception):
    """What is wrong with a value, in words that may be shown."""


# --- how a value is written --------------------------------------------------------------------------------


def _unwritable(value: object) -> object:
    _ask(value)
    raise MistakeError("is no text, number, map or list; a method needs its (), and a view the filter `list`")


def _ask(value: object) -> None:
    if isinstance(value, Undefined):
        str(value)  # raises what is undefined


_ENCODER = msgspec.json.Encoder(enc_hook=_unwritable)


def as_json(value: object) -> str:
    """The value as JSON."""
    if not _is_finite(value):
        raise MistakeError("is a number that JSON cannot hold")
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeError:
        raise MistakeError("holds broken Unicode") from None
    except OverflowError:
        raise MistakeError("is a number beyond 64 bits") from None


def _is_finite(value: object) -> bool:
    """Whether no number in it is one that would silently become null."""
    match value:
        case float():
            return math.isfinite(value)
        case dict():
            return all(map(_is_finite, value.values()))
        case list() | tuple():
            return all(map(_is_finite, value))
    return True


def as_text(value: object) -> str:
    """The value as it stands in a text."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeError:
            raise MistakeError("holds broken Unicode") from None
        return value
    if value is None:
        raise MistakeError("is null, and only JSON can hold that")
    written = as_json(value)
    if written[0] in "[{":
        raise MistakeError("is a map or a list, and only JSON can hold that")
    return written


# --- filters -----------------------------------------------------------------------------------------------


def _join(values: Iterable[object], between: str = "") -> str:
    _ask(values)
    texts = [as_text(value) for value in values]
    if sum(map(len, texts)) + len(between) * len(texts) > MOST_CHARACTERS:
        raise MistakeError("makes a text that is too long")
    return between.join(texts)


def _replace(text: str, old: str, new: str) -> str:
    if not old or len(text) + text.count(old) * len(new) > MOST_CHARACTERS:
        raise MistakeError("makes a text that is too long")
    return text.replace(old, new)


def _round(value: float, precision: int = 0) -> float:
    return round(value, max(0, min(precision, 15)))


def _merge(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    return {**first, **second}


def _sha256(value: object) -> str:
    return hashlib.sha256(as_text(value).encode()).hexdigest()


def _md5(value: object) -> str:
    return hashlib.md5(as_text(value).encode(), usedforsecurity=False).hexdigest()


def _percent(value: object) -> str:
    written = quote(as_text(value), safe="")
    if len(written) > MOST_CHARACTERS:
        raise MistakeError("makes a text that is too long")
    return written


OWN_FILTERS = {
    "join": _join,
    "string": as_text,
    "replace": _replace,
    "round": _round,
    "merge": _merge,
    "sha256": _sha256,
    "md5": _md5,
    "urlencode": _percent,
}


# --- what ends ---------------------------------------------------------------------------------------------


def counted(value: Any) -> Sequence[object]:
    """What a loop goes over."""
    _ask(value)
    if isinstance(value, str):
        raise MistakeError("is a text; a loop goes over a list or a map")
    if not isinstance(value, Iterable):
        raise MistakeError("is no list or map, and a loop goes over those")
    found = list(islice(value, _LONGEST_LOOP + 1))
    if len(found) > _LONGEST_LOOP:
        message = f"has more than {_LONGEST_LOOP} entries, and no loop goes over as many"
        raise MistakeError(message)
    return found


def joined(pieces: Iterable[str]) -> str:
    """What a template makes, piece by piece, so that it ends."""
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > _MOST_WRITTEN:
            raise MistakeError(f"makes more than {_MOST_WRITTEN:,} characters of it")
        kept.append(piece)
    return "".join(kept)
