"""Moves a whole state into an empty one: from the embedded PostgreSQL to a server, or from one server to another.

Both states are locked as by a run, so that nothing is synced meanwhile. The copy is one transaction: after a kill at
any moment the new state is either whole or still empty. The old state is only read (but for the name of who holds its
lock) and stays as it is.
"""

import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import psycopg.sql

from syncer import errors, sql
from syncer.state import (
    Connection,
    State,
    analyze,
    execute,
    fetch_all,
    fetch_one,
    fetch_value,
    leadership,
    locks,
    migrations,
)

_MADE_BY_MIGRATION = {"installation"}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table to copy: after the tables that it `refers_to`. `identity` is the column that is numbered by itself."""

    name: str
    columns: Sequence[str]
    refers_to: Sequence[str]
    identity: str | None


@dataclass(frozen=True, slots=True)
class _Partition:
    """A partition with its bound and its options, as SQL that PostgreSQL wrote."""

    name: str
    parent: str
    bound: LiteralString
    options: LiteralString


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The sequence that numbers a table's rows."""

    schema: str
    name: str


def move(source: State, target: State) -> Mapping[str, int]:
    """Copies all of `source` into `target`, whose schema exists and is empty; returns the rows by table.

    Raises `SchemaVersionError` if `source` is at another version than this code, `ConfigError` if `target` is not
    empty, and `SyncLockedError` if another process syncs on either.
    """
    with target.connect("move in") as there, source.connect("move out") as here:
        _check_source(here, source.schema)
        migrations.check(there, target.schema)
        with leadership.lead(target, there):
            _refuse_what_is_not_empty(there, target.schema)
            with leadership.lead(source, here):
                copied = _copy(here, there)
            analyze(there, *copied)
    return copied


def _check_source(here: Connection, schema: str) -> None:
    try:
        migrations.check(here, schema)
    except errors.SchemaVersionError as error:
        raise errors.SchemaVersionError(
            f"--from: {error}; both states must be at the version of this syncer: run it with `state` in the"
            " configuration naming the old state, then move"
        ) from error


def _refuse_what_is_not_empty(there: Connection, schema: str) -> None:
    tables = [table.name for table in _tables(there) if table.name not in _MADE_BY_MIGRATION]
    filled = [table for table in tables if fetch_value(there, "has_rows", source=_name(table))]
    if filled:
        raise errors.ConfigError(
            [
                errors.Problem(
                    "state.url",
                    f"a state can only be moved into an empty one, and the schema {schema!r} there is in use"
                    f" ({', '.join(filled)}); name another database or another `state.schema`, or drop that schema"
                    " if nobody needs it",
                )
            ]
        )


def _copy(here: Connection, there: Connection) -> dict[str, int]:
    with here.transaction(), there.transaction():
        execute(here, "read_one_moment")
        tables = _in_order(_tables(here))
        execute(there, "drop_installation")
        with locks.changing_tables(there):
            for partition in fetch_all(here, _Partition, "list_partitions"):
                execute(
                    there,
                    "create_same_partition",
                    partition=_name(partition.name),
                    parent=_name(partition.parent),
                    bound=psycopg.sql.SQL(partition.bound),
                    options=psycopg.sql.SQL(partition.options),
                )
        return {table.name: _copy_table(here, there, table) for table in tables}


def _tables(connection: Connection) -> list[_Table]:
    return fetch_all(connection, _Table, "list_state_tables")


def _in_order(tables: Sequence[_Table]) -> list[_Table]:
    """Every table after those that its rows refer to."""
    by_name = {table.name: table for table in tables}
    order = graphlib.TopologicalSorter({table.name: table.refers_to for table in tables})
    return [by_name[name] for name in order.static_order()]


def _copy_table(here: Connection, there: Connection, table: _Table) -> int:
    columns = psycopg.sql.SQL(", ").join(map(_name, table.columns))
    with here.cursor() as out, there.cursor() as into:
        with (
            out.copy(_statement("copy_table_out", columns=columns, source=_name(table.name))) as rows,
            into.copy(_statement("copy_table_in", columns=columns, target=_name(table.name))) as arriving,
        ):
            for block in rows:
                arriving.write(block)
        sent = out.rowcount
    arrived = int(fetch_value(there, "count_rows", source=_name(table.name)))
    if arrived != sent:
        raise errors.StateError(f"{sent:,} rows of {table.name} were read, {arrived:,} arrived; nothing was moved")
    if table.identity is not None:
        _continue_numbering(here, there, table.name, table.identity)
    return arrived


def _continue_numbering(here: Connection, there: Connection, table: str, column: str) -> None:
    sequence = fetch_one(here, _Sequence, "find_sequence", {"source": table, "field": column})
    number = fetch_value(here, "next_number", sequence=psycopg.sql.Identifier(sequence.schema, sequence.name))
    execute(
        there,
        "restart_numbers",
        target=_name(table),
        field=_name(column),
        number=psycopg.sql.Literal(number),
    )


def _statement(name: str, **placeholders: psycopg.sql.Composable) -> psycopg.sql.Composed:
    return psycopg.sql.SQL(sql.query(name)).format(**placeholders)


def _name(name: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(name)
