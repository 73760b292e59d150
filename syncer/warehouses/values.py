"""Makes alike what drivers hand over of columns whose type says more than their values.

The blanks that fill a CHAR are none of its text; a BIT of one bit is a truth; a date is no text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

Rows = Sequence[Sequence[object]]
Convert = Callable[[object], object]

_BPCHAR = 1042
_MYSQL_BIT, _MYSQL_CHAR = 16, 254


def alike(dialect: str, result: Any, partitions: Iterator[Rows]) -> Iterator[Rows]:
    """The rows of a result of SQLAlchemy's that were not asked for yet: some cursors forget their columns with them."""
    found = conversions(dialect, result.context.cursor.description or ())
    return ([converted(row, found) for row in rows] for rows in partitions) if found else partitions


def converted(row: Sequence[object], conversions: Mapping[int, Convert]) -> Sequence[object]:
    """A row with what its columns' conversions make of its values."""
    return [conversions[at](value) if at in conversions else value for at, value in enumerate(row)]


def conversions(dialect: str, columns: Sequence[Sequence[Any]]) -> Mapping[int, Convert]:
    """What to do with the values of which column, by what the cursor says of its type."""
    wanted = ((at, _conversion(dialect, column[1])) for at, column in enumerate(columns))
    return {at: convert for at, convert in wanted if convert is not None}


def _conversion(dialect: str, code: Any) -> Convert | None:
    match dialect:
        case "redshift" | "postgresql":
            return _unpadded if code == _BPCHAR else None
        case "mysql" | "mariadb":
            return {_MYSQL_BIT: _truth, _MYSQL_CHAR: _unpadded}.get(code)
        case "hive":
            return {"CHAR_TYPE": _unpadded, "DATE_TYPE": _date}.get(code)
        case "oracle":
            return _unpadded if getattr(code, "name", "") in ("DB_TYPE_CHAR", "DB_TYPE_NCHAR") else None
        case "trino":
            return _unpadded if str(code).startswith("char") else None
    return None


def _unpadded(value: object) -> object:
    return value.rstrip(" ") if isinstance(value, str) else value


def _truth(value: object) -> object:
    return {b"\0": False, b"\1": True}.get(value, value) if isinstance(value, bytes) else value


def _date(value: object) -> object:
    return date.fromisoformat(value) if isinstance(value, str) else value
