"""The values of any driver as text, the same text for the same value whichever driver hands it over.

PostgreSQL does this itself (`::text`). Here: text as it stands; whole numbers without a fraction, also from a
float or decimal column, because user ids that came through pandas are floats; booleans `true` and `false`; UUIDs
in lower case; bytes as UTF-8; everything else as Python writes it.
"""

import re
import uuid
from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat

from syncer import models
from syncer.warehouses import base

# A NUL cannot be stored; a lone surrogate stands for a byte that was no UTF-8, or is itself no Unicode text.
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")

Rows = Sequence[Sequence[object]]
Texts = Sequence[str | None]


def text_of(value: object) -> str | None:
    """The text of one value; bytes that are no UTF-8 become lone surrogates."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | uuid.UUID():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case Decimal():
            whole = value.is_finite() and value == value.to_integral_value()
            return str(int(value)) if whole else format(value, "f")
        case bytes() | bytearray() | memoryview():
            return str(value, "utf-8", "surrogateescape")
        case _:
            return str(value)


def members(rows: Rows, source: models.Source, positions: Sequence[int | None]) -> list[models.MemberRow]:
    """Turns some rows into members, column by column: that is twice as fast as row by row.

    `positions` says where audience, user id, email and member stand in a row.
    """
    audience_at, user_id_at, email_at, member_at = positions
    if member_at is not None:
        rows = [row for row in rows if _is_true(row[member_at])]
    columns = (
        [source.audience_name] * len(rows) if audience_at is None else _texts(rows, audience_at),
        _texts(rows, user_id_at),
        _texts(rows, email_at),
    )
    if not any(map(_has_unsendable, columns)):
        return list(map(models.MemberRow._make, zip(*columns, repeat(False))))  # noqa: FBT003  a column of it
    return [_listable(*texts) for texts in zip(*columns, strict=True)]


def _texts(rows: Rows, at: int | None) -> Texts:
    values = [] if at is None else [row[at] for row in rows]
    return [value if type(value) is str else text_of(value) for value in values]


def _is_true(value: object) -> bool:
    if isinstance(value, bool):
        return value
    return (text_of(value) or "").lower() in base.TRUE_WORDS


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
