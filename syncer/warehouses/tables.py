"""Statements that read a table, with names of one part or several, in the quoting of any dialect."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import quoted_name

from syncer.warehouses.base import TablePart

Select = sqlalchemy.Select[Any]

_NO_ROWS = sqlalchemy.literal_column("1") == sqlalchemy.literal_column("0")
"""A condition that every dialect understands; some write their own `false` in a way that their server does not."""


def clause(dialect: Dialect, parts: Sequence[TablePart]) -> sqlalchemy.TableClause:
    """The table of this name. A dialect would take the first parts of several for one name that holds dots."""
    name = ".".join(_quoted(dialect, part) for part in parts)
    return sqlalchemy.table(quoted_name(name, quote=False))


def probe(table: sqlalchemy.TableClause) -> Select:
    """Asks for all columns, and no rows."""
    return none_of(sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(table))


def rows(dialect: Dialect, table: sqlalchemy.TableClause, columns: Sequence[str]) -> Select:
    """Asks for these columns, by the names that the database has."""
    picked: list[sqlalchemy.ColumnClause[Any]] = [
        sqlalchemy.literal_column(named(dialect, TablePart(name, quoted=False))) for name in columns
    ]
    return sqlalchemy.select(*picked).select_from(table)


def none_of(statement: Select) -> Select:
    """The same statement for no rows."""
    return statement.where(_NO_ROWS)


def names(connection: sqlalchemy.Connection, schema: Sequence[str]) -> list[str]:
    """The tables and views in the schema of this name, which may have several parts. Ends the transaction."""
    connection.rollback()
    if connection.dialect.name == "hive":  # its dialect takes Spark's first column for the names
        inside = ".".join(_quoted(connection.dialect, TablePart(part, quoted=True)) for part in schema)
        listed = connection.exec_driver_sql("SHOW TABLES" + (f" IN {inside}" if inside else "")).all()
        return [".".join([*schema, str(row[min(1, len(row) - 1)])]) for row in listed]
    inspector = sqlalchemy.inspect(connection)
    name = ".".join(schema) or None
    found = [*inspector.get_table_names(name), *inspector.get_view_names(name)]
    return [".".join([*schema, each]) for each in found]


def text_of(dialect: Dialect, statement: sqlalchemy.Select[Any] | sqlalchemy.CompoundSelect[Any]) -> str:
    """A statement of ours, as it has to stand inside of another that has no parameters: its own are numbers."""
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return text.replace("%%", "%") if _doubles_percent(dialect) else text


def _quoted(dialect: Dialect, part: TablePart) -> str:
    name = named(dialect, part)
    return name.replace("%", "%%") if _doubles_percent(dialect) else name


def _doubles_percent(dialect: Dialect) -> bool:
    return "%%" in dialect.identifier_preparer.quote_identifier("%")


def named(dialect: Dialect, part: TablePart) -> str:
    """The name as the dialect has to see it, in quotes where it needs them.

    Some dialects double the wrong quote inside of a name.
    """
    preparer = dialect.identifier_preparer
    if not part.quoted and preparer.quote(part.name) == part.name:
        return part.name
    end = preparer.final_quote
    return preparer.initial_quote + part.name.replace(end, end + end) + end
