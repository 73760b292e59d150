"""The state: its database, and a module for every part of what it keeps.

Here its sessions are opened, statements are run by their names, and the driver's errors become ours.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, LiteralString, TypeVar

import psycopg
import psycopg.sql
from psycopg.rows import RowMaker, args_row, class_row, scalar_row

from syncer import errors, sql
from syncer.log import Logger
from syncer.state import arrays, faults, sessions

Connection = psycopg.Connection[Any]

Row = TypeVar("Row")
"""What a row of a statement becomes: a class with a field for every column."""

Value = TypeVar("Value")

MAX_CONTACTS_OF_USER = 100
"""A user id that more contacts than this have stands for nobody: a placeholder such as `guest`."""

log = Logger(__name__)

_ATTEMPTS = 5
"""How often a transaction is tried that other sessions get in the way of."""

_TOGETHER = 1000
"""Rows that travel together where they are read one after the other."""


@dataclass(frozen=True, slots=True)
class State:
    """Where the state is: a libpq URL (secret: it may hold a password) and the schema; whether the server is ours."""

    url: str
    schema: str
    embedded: bool = False

    def __repr__(self) -> str:
        return f"State(schema={self.schema!r})"

    @contextmanager
    def connect(self, purpose: str, longest_pause: float | None = None) -> Iterator[Connection]:
        """A session of our own in autocommit; database errors inside the block come out as `StateError`.

        If this process pauses in a transaction for longer than `longest_pause` seconds, the server ends the session: a
        process that is stopped holds no lock for ever.
        """
        with translated_errors():
            connection = psycopg.connect(
                sessions.kept_alive(self.url),
                autocommit=True,
                # A plan made for a small table must not outlive its growth: nothing is prepared for later.
                prepare_threshold=None,
                application_name=f"syncer {purpose}",
                client_encoding="utf8",
            )
            with connection:
                connection.adapters.register_dumper(list, arrays.ArrayDumper)
                sessions.prepare(connection, self.url, self.schema, longest_pause)
                yield connection


def execute(
    connection: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> psycopg.Cursor[Any]:
    """Executes the statement `name`: values are bound, placeholders are quoted identifiers and literals."""
    return connection.execute(_statement(name, placeholders), parameters)


def fetch_all(
    connection: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> list[Row]:
    """All rows of the statement `name`, each as a `row`, whose fields are the statement's columns by name."""
    with connection.cursor(row_factory=_rows_of(row)) as cursor:
        return cursor.execute(_statement(name, placeholders), parameters).fetchall()


def _rows_of(row: type[Row]) -> Callable[[psycopg.Cursor[Any]], RowMaker[Row]]:
    """The driver's `class_row`, which names every field of every row. Where the columns are in the order of the fields,
    which is found out once, a row is made in a quarter of the time."""

    def of_result(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
        result = cursor.pgresult
        columns = tuple(result.fname(at) or b"" for at in range(result.nfields)) if result else ()
        if columns == tuple(name.encode() for name in getattr(row, "__match_args__", ())):
            return args_row(row)(cursor)
        return class_row(row)(cursor)

    return of_result


def fetch_each(
    connection: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
) -> Iterator[Row]:
    """The rows of the statement `name` one after the other: as many as there are take no memory. In a transaction."""
    with connection.cursor(name, row_factory=_rows_of(row)) as cursor:
        cursor.itersize = _TOGETHER
        cursor.execute(_statement(name, {}), parameters)
        yield from cursor


def fetch_optional(
    connection: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> Row | None:
    """The row of a statement that has one, or none."""
    with connection.cursor(row_factory=_rows_of(row)) as cursor:
        return cursor.execute(_statement(name, placeholders), parameters).fetchone()


def fetch_one(
    connection: Connection,
    row: type[Row],
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> Row:
    """The row of a statement that always has one; raises `NotOursError` if the state changed under this process."""
    found = fetch_optional(connection, row, name, parameters, **placeholders)
    if found is None:
        raise errors.NotOursError(f"the state changed under this process: {name} found nothing to do")
    return found


def fetch_values(
    connection: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> list[Any]:
    """The one column of the statement `name`."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_statement(name, placeholders), parameters).fetchall()


def fetch_value(
    connection: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> Any:
    """The one value of the one row of the statement `name`; raises as `fetch_one` does."""
    found = fetch_values(connection, name, parameters, **placeholders)
    if not found:
        raise errors.NotOursError(f"the state changed under this process: {name} found nothing to do")
    return found[0]


def analyze(connection: Connection, *tables: str) -> None:
    """Lets the planner know what is in these tables now: nothing else does for private ones, and in time for others."""
    execute(connection, "analyze_tables", tables=psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, tables)))


def _statement(name: str, placeholders: Mapping[str, psycopg.sql.Composable]) -> psycopg.sql.Composed | LiteralString:
    text = sql.query(name)
    return psycopg.sql.SQL(text).format(**placeholders) if placeholders else text


def columns_of(rows: Collection[object], *names: str) -> dict[str, object]:
    """These attributes of the rows, as parallel arrays: parameters of a statement that takes many rows."""
    return {name: list(map(attrgetter(name), rows)) for name in names}


def break_off(connection: Connection) -> None:
    """Makes a session usable again after a signal broke into a statement: ends the statement and its transaction."""
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
        connection.cancel_safe(timeout=10)
        while result := connection.pgconn.get_result():
            if result.status == psycopg.pq.ExecStatus.COPY_IN:
                connection.pgconn.put_copy_end(b"broken off")
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        connection.execute("ROLLBACK")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns the driver's errors into ours, and only here; any other database error is a bug and stays one."""
    try:
        yield
    except psycopg.Error as error:
        ours = faults.translated(error)
        if ours is None:
            raise
        raise ours from error


def retried(act: Callable[[], Value], again: Callable[[], Value] | None = None) -> Value:
    """What `act` returns, which is one whole transaction.

    If another session was in its way (both wrote the same rows, or each waited for the other), nothing of it was done,
    and it is done again, by `again` if that is given.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            with translated_errors():
                return act()
        except (errors.StateConflictError, psycopg.errors.UniqueViolation) as error:
            log.info("another session was in the way; once more", attempt=attempt, error=type(error).__name__)
            time.sleep(0.02 * attempt)
            act = again or act
    return act()
