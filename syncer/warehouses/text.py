"""What any driver's values are for a member: text, a yes or no, JSON; the same whichever driver hands them over.

PostgreSQL does this itself (`columns`). Here: text as it stands; whole numbers without a fraction, also from a
float or decimal column, because user ids that came through pandas are floats; NaN and infinity are nothing; booleans
`true` and `false`; UUIDs in lower case; bytes as UTF-8; everything else as Python writes it.
"""

import json
import math
import re
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import repeat
from typing import NamedTuple

from syncer import errors, models
from syncer.warehouses import base, columns

# A NUL cannot be stored; a lone surrogate stands for a byte that was no UTF-8, or is itself no Unicode text.
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")

_CANNOT_BE_SENT = "null"
"""The JSON of a value that is there and cannot be sent; one that is not there has none."""

_BLANKS = " \t\n\r\f\v"
_MEMBER_WORDS = {**dict.fromkeys(columns.TRUE_WORDS, True), **dict.fromkeys(columns.FALSE_WORDS, False)}
_MEMBER_BITS = {b"\x01": True, b"\x00": False}
_MAX_SHOWN = 20

_MAX_NUMBER = sys.float_info.max
_MANY_BITS = 10_000
"""Python writes an integer of more bits as text only after it was asked twice."""
_SMALLEST_EXPONENT = -400
"""Below it a decimal is nothing in double precision, and would be written as a text of any length."""

Rows = Sequence[Sequence[object]]
Texts = Sequence[str | None]


def text_of(value: object) -> str | None:
    """The text of one value; bytes that are no UTF-8 become lone surrogates."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > _MANY_BITS:
            return format(Decimal(value), "f")
        case int() | uuid.UUID():
            return str(value)
        case float():
            if not math.isfinite(value):
                return None
            return format(Decimal(repr(value or 0)).to_integral_value(), "f") if value.is_integer() else str(value)
        case Decimal():
            if not value.is_finite():
                return None
            whole = value.to_integral_value()
            return format((whole or Decimal(0)) if value == whole else value, "f")
        case bytes() | bytearray() | memoryview():
            return str(value, "utf-8", "surrogateescape")
        case _:
            return str(value)


def is_member(value: object) -> bool:
    """Whether the value of a member column makes its row a member. Raises `ValueError` for one that is no yes or no;
    its message shows it, unless it may be a person's: then the column is likely to be another one."""
    match value:
        case None:
            return False
        case bool() | int() | float() | Decimal() if value in (0, 1):
            return bool(value)
        case bytes() | bytearray() | memoryview() if bytes(value) in _MEMBER_BITS:  # MariaDB's BIT(1)
            return _MEMBER_BITS[bytes(value)]
    # What is no number is no text either, but it is not nothing here.
    text = str(value) if isinstance(value, float | Decimal) else text_of(value) or ""
    found = _MEMBER_WORDS.get(text.strip(_BLANKS).lower())
    if found is None:
        raise ValueError("a text that is not shown" if len(text) > _MAX_SHOWN or "@" in text else repr(text))
    return found


class Places(NamedTuple):
    """Where the columns of a source stand in a row; `traits` by the name that each is sent under.

    `moments` are the places of dates and times, of which some drivers hand over those that Python has not, as text.
    A user id or an email that a list of people lacks is nowhere (-1).
    """

    audience: int | None
    user_id: int
    email: int
    member: int | None
    value: int | None
    traits: Mapping[str, int]
    moments: Set[int] = frozenset()

    @classmethod
    def of(cls, found: base.Columns, names: Sequence[str], moments: Iterable[str] = ()) -> "Places":
        """Finds the columns among the names of a result."""

        def at(name: str | None) -> int | None:
            return None if name is None else names.index(name)

        return cls(
            at(found.audience),
            names.index(found.user_id) if found.user_id else -1,
            names.index(found.email) if found.email else -1,
            at(found.member),
            at(found.value),
            {name: names.index(column) for column, name in found.traits.items()},
            frozenset(map(names.index, moments)),
        )


def members(rows: Rows, source: models.Source, places: Places) -> list[models.MemberRow]:
    """Turns some rows into members, column by column: that is twice as fast as row by row.

    Raises `WarehouseError` for what a member column cannot hold.
    """
    if places.member is not None:
        rows = _members_only(rows, source, places.member)
    texts = (
        [source.audience_name] * len(rows) if places.audience is None else _cut(_texts(rows, places.audience)),
        _texts(rows, places.user_id),
        _texts(rows, places.email),
    )
    if any(map(_has_unsendable, texts)):
        found = [_listable(*each) for each in zip(*texts, strict=True)]
    else:
        found = list(map(models.MemberRow, *texts, repeat(False)))  # noqa: FBT003  a column of it
    if places.traits:
        found = [member._replace(traits=_traits(row, places)) for member, row in zip(found, rows, strict=True)]
    if places.value is not None:
        found = [_with_value(member, row, places) for member, row in zip(found, rows, strict=True)]
    return found


def without_anybody(source: models.Source, found: Iterable[object]) -> list[models.MemberRow]:
    """A row for each of these audiences, or for the one that a query is about."""
    if source.value is not None:
        return []
    named = [source.audience_name, *map(text_of, found)]
    rows = [(name, None, None) for name in named if name is not None]
    of_all = models.Source(source.path, source.user_id, source.email, audience="")
    without = members(rows, of_all, Places(0, 1, 2, None, None, {}))
    return [member._replace(traits="{}") for member in without] if source.traits else without


def json_of(value: object, *, moment: bool = False) -> tuple[str | None, str]:
    """The JSON of one value, and its type. The user reads the name of a type that cannot be sent.

    `null` is the JSON of a value that cannot be sent: text with a NUL or broken Unicode, or of more than a megabyte;
    NaN, infinity, a number beyond those of double precision; a time that is not in the years 1 to 9999 (of a `moment`
    the driver gives a text then).
    """
    match value:
        case None:
            return None, "text"
        case bool():
            return json.dumps(value), "boolean"
        case int() | float() | Decimal():
            return _json_of_number(value), "number"
        case datetime():
            return _json_of_moment(value), "timestamp"
        case date():
            return json.dumps(value.isoformat()), "timestamp"
        case str() if moment:
            return _CANNOT_BE_SENT, "timestamp"
        case str() | bytes() | bytearray() | memoryview() | uuid.UUID():
            return _json_of_text(text_of(value) or ""), "text"
    return _json_of_text(str(value)), type(value).__name__


def _json_of_number(value: float | Decimal) -> str:
    # A decimal that is no number may not even be compared.
    if (isinstance(value, Decimal) and not value.is_finite()) or not -_MAX_NUMBER <= value <= _MAX_NUMBER:
        return _CANNOT_BE_SENT
    if isinstance(value, Decimal):
        return "0" if value.adjusted() < _SMALLEST_EXPONENT else format(value, "f")
    return json.dumps(value)


def _json_of_moment(value: datetime) -> str:
    try:
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:  # in UTC it is before the year 1, or after the year 9999
        return _CANNOT_BE_SENT
    return json.dumps(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _json_of_text(text: str) -> str:
    if _has_unsendable([text]) or len(text.encode()) > columns.MAX_VALUE:
        return _CANNOT_BE_SENT
    return json.dumps(text)


def _with_value(member: models.MemberRow, row: Sequence[object], places: Places) -> models.MemberRow:
    at = places.value
    encoded, value_type = json_of(None if at is None else row[at], moment=at in places.moments)
    return member._replace(value=encoded, value_type=value_type)


def _traits(row: Sequence[object], places: Places) -> str:
    """As an object; what is missing is left out."""
    values = ((name, json_of(row[at], moment=at in places.moments)[0]) for name, at in places.traits.items())
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in values if value is not None) + "}"


def _members_only(rows: Rows, source: models.Source, at: int) -> Rows:
    values = [row[at] for row in rows]
    try:
        return [row for row, value in zip(rows, _each_is_member(values), strict=True) if value is not source.unless]
    except ValueError as exc:
        raise errors.WarehouseError(
            f"{source.path}: reading {base.name_of(source)} failed: the column {source.member} holds {exc},"
            " which is neither true nor false",
            quoted=str(exc),
        ) from exc


def _each_is_member(values: Sequence[object]) -> list[bool]:
    """Asks once of each different value: there are few."""
    try:
        found = {value: is_member(value) for value in set(values)}
        return [found[value] for value in values]
    except TypeError:  # some kinds of bytes cannot be looked up
        return [is_member(value) for value in values]


def _texts(rows: Rows, at: int) -> Texts:
    if at < 0:
        return [None] * len(rows)
    values = [row[at] for row in rows]
    return [value if type(value) is str else text_of(value) for value in values]


def _cut(names: Texts) -> Texts:
    """Names of audiences, no longer than it takes to see that they are too long: they are listed, and kept."""
    if max((len(name) for name in set(names) if name is not None), default=0) <= columns.MAX_AUDIENCE:
        return names
    return [name and name[: columns.MAX_AUDIENCE] for name in names]


def _has_unsendable(column: Texts) -> bool:
    joined = "".join(filter(None, column))
    # Most columns are plain ASCII, and a string knows that of itself.
    return "\0" in joined or (not joined.isascii() and _UNSENDABLE.search(joined) is not None)


def _listable(audience: str | None, user_id: str | None, email: str | None) -> models.MemberRow:
    if not any(map(_has_unsendable, ([audience], [user_id], [email]))):
        return models.MemberRow(audience, user_id, email, unsendable=False)
    return models.MemberRow(_replaced(audience), _replaced(user_id), _replaced(email), unsendable=True)


def _replaced(text: str | None) -> str | None:
    return None if text is None else _UNSENDABLE.sub("\ufffd", text)
