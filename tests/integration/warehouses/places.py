"""Databases of a test's own, and what is asked of a warehouse."""

import re
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pytest
import sqlalchemy

from syncer import errors, models, warehouses
from tests.databases import address_of

TABLE = models.Source(
    path="warehouse.membership.table", table="members", audience="audience", user_id="user_id", email="email"
)
QUERY = models.Source(
    path="audiences[2].query", query="", audience_name='It\'s 100% \\ "VIP"', user_id="user_id", email="email"
)

Row = tuple[str | None, str | None, str | None, bool | None]


class Place(Protocol):
    """A database of a test's own. `run` writes to it, from outside."""

    url: sqlalchemy.URL

    def run(self, *statements: str) -> None: ...


def table(**changes: object) -> models.Source:
    return _replaced(TABLE, changes)


def query(text: str, **changes: object) -> models.Source:
    return _replaced(QUERY, {"query": text, **changes})


def _replaced(source: models.Source, changes: dict[str, object]) -> models.Source:
    known = {name: getattr(source, name) for name in models.Source.__dataclass_fields__}
    return models.Source(**{**known, **changes})


def opened(place: Place, **connect_args: object) -> models.Warehouse:
    """`connect_args` beside those of the place, if it has some."""
    return warehouses.open_warehouse(address_of(place.url), {**getattr(place, "connect_args", {}), **connect_args})


def read(place: Place, *sources: models.Source, **connect_args: object) -> list[Row]:
    """Every row of the sources, sorted, in one reading; the count must agree."""
    with closing(opened(place, **connect_args)) as warehouse, warehouse.reading() as reading:
        found = [row for source in sources for row in rows_of(reading.stream(source))]
        assert reading.rows_read() == len(found)
    return sorted(found, key=repr)


def rows_of(stream: models.CopyStream | models.RowStream) -> list[Row]:
    if isinstance(stream, models.RowStream):
        return [row[:4] for row in stream.rows]
    data = b"".join(stream.blocks)
    return list(_unpacked(data) if stream.format == "binary" else _parsed(data.decode()))


def values_of(place: Place, column: str) -> list[tuple[str | None, str | None]]:
    """The values of a column of `members` as JSON, and their types, by user id."""
    source = query(f"SELECT user_id, email, {column} FROM members", value=column)
    with closing(opened(place)) as warehouse, warehouse.reading() as reading:
        stream = reading.stream(source)
        if isinstance(stream, models.RowStream):
            found = [(row.user_id, row.value, row.value_type) for row in stream.rows]
        else:
            fields = _fields(b"".join(stream.blocks))
            found = [(user, value and value.removeprefix("\1"), kind) for _, user, _, _, value, kind in fields]
    return [(value, kind) for _, value, kind in sorted(found, key=str)]


def pieces(stream: models.CopyStream | models.RowStream) -> Iterator[object]:
    return stream.blocks if isinstance(stream, models.CopyStream) else stream.rows


def _unpacked(data: bytes) -> Iterator[Row]:
    for audience, user_id, email, unsendable, *_ in _fields(data):
        yield audience, user_id, email, unsendable == "\1"


def _fields(data: bytes) -> Iterator[list[str | None]]:
    """PostgreSQL's binary COPY: a header of 19 bytes, then rows of counted fields, then -1. JSON begins with a 1."""
    assert data.startswith(b"PGCOPY\n\xff\r\n\0")
    position = 19
    while (fields := struct.unpack_from("!h", data, position)[0]) != -1:
        position += 2
        values: list[str | None] = []
        for _ in range(fields):
            (length,) = struct.unpack_from("!i", data, position)
            position += 4
            values.append(None if length < 0 else data[position : position + length].decode())
            position += max(length, 0)
        yield values
    assert position + 2 == len(data)


def _parsed(text: str) -> Iterator[Row]:
    """CSV as `COPY` reads it: what is empty and not in quotes is a null."""
    field = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\n]*))([,\n])')
    values: list[str | None] = []
    position = 0
    while position < len(text):
        found = field.match(text, position)
        assert found is not None, text[position : position + 80]
        quoted, bare, end = found.groups()
        values.append(bare or None if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if end == "\n":
            audience, user_id, email, unsendable = values
            yield audience, user_id, email, unsendable == "true"
            values = []
    assert not values


def answered(place: Place, text: str) -> object:
    with closing(opened(place)) as warehouse, warehouse.reading() as reading:
        return reading.answer(text)


def answer_error(place: Place, text: str) -> str:
    """Every failure is one line that says where the question stands."""
    with pytest.raises(errors.WarehouseError) as caught:
        answered(place, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("guard.ready: ")
    return str(caught.value)


def error_of(place: Place, source: models.Source, **connect_args: object) -> str:
    with pytest.raises(errors.WarehouseError) as caught:
        read(place, source, **connect_args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def sqlalchemy_connection(warehouse: models.Warehouse) -> sqlalchemy.Connection:
    engine = warehouse._engine  # type: ignore[attr-defined]
    assert isinstance(engine, sqlalchemy.Engine)
    return engine.connect()
