"""The state database: how a session is set up and how its errors are told. Knows no run, no plan and no history."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import psycopg.sql
from psycopg.rows import namedtuple_row

from syncer import errors, sql

Connection = psycopg.Connection[Any]

_MINIMUM_VERSION = 14_00_00
_TRANSLATED = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.InsufficientPrivilege)


@dataclass(frozen=True, slots=True)
class State:
    """Where the state is: a libpq URL (secret: it may hold a password) and the schema."""

    url: str
    schema: str

    def __repr__(self) -> str:
        return f"State(schema={self.schema!r})"

    @contextmanager
    def connect(self, purpose: str, longest_pause: float | None = None) -> Iterator[Connection]:
        """A session of our own in autocommit; database errors inside the block come out as `StateError`.

        Where this process pauses in a transaction for longer than `longest_pause` seconds, the server ends the session:
        a process that is stopped holds no locks for ever.
        """
        with translated_errors():
            connection = psycopg.connect(
                self.url,
                autocommit=True,
                # A plan made for a small table must not outlive its growth: nothing is prepared for later.
                prepare_threshold=None,
                row_factory=namedtuple_row,
                application_name=f"syncer {purpose}",
                connect_timeout=10,
                client_encoding="utf8",
            )
            with connection:
                self._set_up(connection, longest_pause)
                yield connection

    def _set_up(self, connection: Connection, longest_pause: float | None) -> None:
        if connection.info.server_version < _MINIMUM_VERSION:
            raise errors.StateError(
                f"the state database is PostgreSQL {connection.info.server_version // 10000};"
                " syncer needs 14 or later (`state.url`)"
            )
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise errors.StateError(
                f"the state database has the encoding {encoding}; create it with ENCODING 'UTF8' (`state.url`)"
            )
        pause = psycopg.sql.Literal(round(1000 * (longest_pause or 0)))
        run(connection, "set_up_session", schema=psycopg.sql.Identifier(self.schema), longest_pause=pause)


def run(
    connection: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> psycopg.Cursor[Any]:
    """Runs `sql/queries/<name>.sql`: values are bound, placeholders are quoted identifiers and literals."""
    text = sql.query(name)
    statement = psycopg.sql.SQL(text).format(**placeholders) if placeholders else text
    return connection.execute(statement, parameters)


def one(
    connection: Connection,
    name: str,
    parameters: Mapping[str, object] | None = None,
    **placeholders: psycopg.sql.Composable,
) -> Any:
    """The row of a statement that always has one."""
    row = run(connection, name, parameters, **placeholders).fetchone()
    if row is None:
        raise errors.NotOursError(f"the state changed under this process: {name} found nothing to do")
    return row


def columns_of(rows: Collection[object], *names: str) -> dict[str, object]:
    """These attributes of the rows, as parallel arrays: parameters of a statement that takes many rows."""
    return {name: [getattr(row, name) for row in rows] for name in names}


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
    """The one place where the state's driver errors become ours; any other database error is a bug and stays one."""
    try:
        yield
    except _TRANSLATED as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise errors.StateError(f"the state database failed: {words}") from error
