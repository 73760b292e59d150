"""Members in columns, from a driver that offers Arrow: the values of plain columns never become Python objects.

Text and whole numbers are plain. A source that reads anything else is read row by row, and so are the rows of a batch
with text that cannot be stored: the rules of `text` hold for all. Only DuckDB's driver is known here. `pyarrow` comes
with `engage-syncer[duckdb]` and is loaded when it is needed; without it everything is read row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy

from syncer import errors, models
from syncer.warehouses import base, duckdb, text
from syncer.warehouses.columns import MAX_AUDIENCE

# DuckDB's types whose text in Arrow is the text of `text.text_of`.
PLAIN = frozenset("VARCHAR TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER UBIGINT".split())
_BATCH = 10_000


class Block(NamedTuple):
    """Some rows of a result: their members as lines of CSV, in the order of `models.Source.columns`."""

    lines: bytes
    members: int
    rows: int


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one source, all columns of which are plain. `relation` is DuckDB's, not yet read."""

    relation: Any
    source: models.Source
    places: text.Places

    def blocks(self) -> Iterator[Block]:
        """Reads them. Raises what the driver raises, also in the middle."""
        for batch in _batches(self.relation):
            yield _block(batch, self.source, self.places)


def members(
    connection: sqlalchemy.Connection,
    statement: str | sqlalchemy.Select[Any],
    source: models.Source,
    columns: base.Columns | None,
) -> Members | None:
    """What reads the members of a source in columns, or None if its driver, its columns or their types do not allow it.

    `columns` are those of the statement, as far as they are known. Raises what the driver raises, and `WarehouseError`
    for columns that are not there.
    """
    if connection.dialect.name != "duckdb" or source.traits or source.value or not _is_installed():
        return None
    if source.either or source.unless:
        return None
    relation = duckdb.relation(connection, statement)
    if relation is None:  # no query
        return None
    columns = columns or base.pick_columns(source, relation.columns)
    places = text.Places.of(columns, relation.columns)
    types = [str(each) for each in relation.types]
    texts = [types[at] for at in (places.audience, places.user_id, places.email) if at is not None]
    if not PLAIN.issuperset(texts) or (places.member is not None and types[places.member] != "BOOLEAN"):
        return None
    return Members(relation, source, places)


def lines(relation: Any) -> Iterator[Block]:
    """The rows of a relation of texts and booleans, as they are. Raises `WarehouseError` without `pyarrow`."""
    if not _is_installed():
        raise errors.WarehouseError("pyarrow is missing; pip install 'engage-syncer[duckdb]'")
    for batch in _batches(relation):
        yield Block(_csv(batch), batch.num_rows, batch.num_rows)


def _batches(relation: Any) -> Iterator[Any]:
    # DuckDB 2 calls it by another name. Of the class: a relation also has its columns' names as attributes.
    renamed = hasattr(type(relation), "to_arrow_reader")
    read = relation.to_arrow_reader if renamed else relation.fetch_arrow_reader
    yield from read(_BATCH)


def _csv(batch: Any) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    lines = pa.BufferOutputStream()
    # A null is written as nothing and every text in quotes, so an empty text is no null: COPY reads it the same way.
    csv.write_csv(batch, lines, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return bytes(lines.getvalue().to_pybytes())


def _is_installed() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


def _block(batch: Any, source: models.Source, places: text.Places) -> Block:
    import pyarrow as pa
    from pyarrow import compute

    rows = batch.num_rows
    if places.member is not None:
        batch = batch.filter(batch.column(places.member))
    columns = [
        pa.repeat(pa.scalar(source.audience_name, pa.string()), batch.num_rows)
        if at is None
        else batch.column(at).cast(pa.string())
        for at in (places.audience, places.user_id, places.email)
    ]
    columns[0] = compute.utf8_slice_codeunits(columns[0], 0, MAX_AUDIENCE)
    if any(compute.any(compute.match_substring(column, "\0")).as_py() for column in columns):
        texts = list(zip(*(column.to_pylist() for column in columns), strict=True))
        found = text.members(texts, source, text.Places(0, 1, 2, None, None, {}))
        columns = [pa.array([member[at] for member in found], pa.string()) for at in range(3)]
        unsendable = pa.array([member.unsendable for member in found], pa.bool_())
    else:
        unsendable = pa.repeat(pa.scalar(False), batch.num_rows)  # noqa: FBT003  a column of it
    listed = pa.record_batch([*columns, unsendable], names=list(source.columns))
    return Block(_csv(listed), batch.num_rows, rows)
