"""What DuckDB's own driver knows of a statement before it runs, and what its values would not say.

The driver hands over an infinite time as the last one that Python has, and JSON with its quotes. One that is out of
Python's range comes as text, which no finite time is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy.engine.interfaces import Dialect

from syncer import errors, models
from syncer.warehouses import base

_OUT_OF_RANGE = {
    "DATE": "DATE '290000-01-01'",
    "TIMESTAMP": "TIMESTAMP '290000-01-01 00:00:00'",
    "TIMESTAMP_S": "TIMESTAMP '290000-01-01 00:00:00'",
    "TIMESTAMP_MS": "TIMESTAMP '290000-01-01 00:00:00'",
    "TIMESTAMP_NS": "TIMESTAMP '290000-01-01 00:00:00'",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '290000-01-01 00:00:00+00'",
}
"""A time that stands for infinity, by the type of its column."""


class Exact(NamedTuple):
    """A statement whose values say all that they have to; `moments` are its columns of dates and times."""

    statement: str
    moments: Sequence[str]


def relation(connection: sqlalchemy.Connection, statement: str | sqlalchemy.Select[Any]) -> Any:
    """The statement with the names and types of its columns, not yet run; None if it is no query."""
    driver: Any = connection.connection.driver_connection
    return driver.sql(text_of(connection.dialect, statement))


def refuse_several(connection: sqlalchemy.Connection, source: models.Source, statement: str) -> None:
    """Raises unless the text is one statement, by the engine's own reading: it would run all of them."""
    driver: Any = connection.connection.driver_connection
    import duckdb  # is an extra, and this connection is one of its own

    try:
        found = driver.extract_statements(statement)
    except duckdb.Error:
        return  # no SQL: running it says why
    if len(found) != 1:
        raise errors.WarehouseError(
            f"{source.path}: the query holds several statements; write one, without a semicolon"
        )


def exact(statement: str, shape: Any, found: base.Columns) -> Exact:
    """The statement as it has to run for its members. `shape` is its relation, `found` are its columns."""
    types = dict(zip(shape.columns, map(str, shape.types), strict=True))
    values = [*found.traits, *([] if found.value is None else [found.value])]
    texts = [name for name in (found.audience, found.user_id, found.email, found.member) if name]
    moments = [name for name in values if types[name] in _OUT_OF_RANGE]
    replaced = {name: _finite(_quoted(name), types[name]) for name in moments}
    replaced |= {name: f"{_quoted(name)} ->> '$'" for name in texts if types[name] == "JSON" and name not in values}
    if not replaced:
        return Exact(statement, ())
    columns = ", ".join(f"{expression} AS {_quoted(name)}" for name, expression in replaced.items())
    wrapped = f"SELECT * REPLACE ({columns}) FROM (\n{statement}\n) AS members"  # nosec B608 # the user's own query
    return Exact(wrapped, moments)


def _finite(column: str, type_name: str) -> str:
    # Those of another precision have other bounds.
    value = f"{column}::TIMESTAMP" if type_name.startswith("TIMESTAMP_") else column
    return f"CASE WHEN isinf({column}) THEN {_OUT_OF_RANGE[type_name]} ELSE {value} END"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text_of(dialect: Dialect, statement: str | sqlalchemy.Select[Any]) -> str:
    """The text of a statement."""
    return statement if isinstance(statement, str) else str(statement.compile(dialect=dialect))
