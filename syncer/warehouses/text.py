"""The values of any driver as text, the same text for the same value whichever driver hands it over.

PostgreSQL does this itself (`::text`). Here: text as it stands; whole numbers without a fraction, also from a
float or decimal column, because user ids that came through pandas are floats; booleans `true` and `false`; UUIDs
in lower case; bytes as UTF-8; everything else as Python writes it.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from operator import itemgetter

from syncer import models
from syncer.warehouses import base

# A NUL cannot be stored; a lone surrogate stands for a byte that was no UTF-8, or is itself no Unicode text.
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")


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


def members(
    rows: Iterable[Sequence[object]], source: models.Source, positions: Sequence[int | None]
) -> Iterator[models.MemberRow]:
    """Turns rows into members. `positions` says where audience, user id, email and member stand in a row."""
    audience_at, user_id_at, email_at, member_at = positions
    name = source.audience_name
    pick = itemgetter(user_id_at, email_at)
    for row in rows:
        if member_at is not None and (text_of(row[member_at]) or "").lower() not in base.TRUE_WORDS:
            continue
        audience = name if audience_at is None else row[audience_at]
        user_id, email = pick(row)
        # Nearly every row is three plain strings: what follows is done only where it is needed.
        if type(audience) is not str:
            audience = text_of(audience)
        if type(user_id) is not str:
            user_id = text_of(user_id)
        if type(email) is not str:
            email = text_of(email)
        joined = f"{audience}{user_id}{email}"
        if ("\0" in joined or not joined.isascii()) and _UNSENDABLE.search(joined):
            yield models.MemberRow(_listable(audience), _listable(user_id), _listable(email), unsendable=True)
        else:
            yield models.MemberRow(audience, user_id, email, unsendable=False)


def _listable(text: str | None) -> str | None:
    return None if text is None else _UNSENDABLE.sub("\ufffd", text)
