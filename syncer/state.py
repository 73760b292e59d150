"""The state database: connections to it, and the lock that lets one process sync at a time.

Owns how a session is set up and how its errors are told. Knows no run, no plan and no history.
"""

import hashlib
import os
import socket
import uuid
from collections.abc import Iterator, Mapping
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
class Leadership:
    """The session that holds the lock. `token` fences off whoever held it before: claims of pages name it."""

    connection: Connection
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class State:
    """Where the state is: a libpq URL (secret: it may hold a password) and the schema."""

    url: str
    schema: str

    def __repr__(self) -> str:
        return f"State(schema={self.schema!r})"

    @contextmanager
    def connect(self, purpose: str) -> Iterator[Connection]:
        """A session of our own in autocommit; database errors inside the block come out as `StateError`."""
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
                self._set_up(connection)
                yield connection

    @contextmanager
    def lead(self, connection: Connection) -> Iterator[Leadership]:
        """Takes the lock, which this session then holds until it ends; the token is good for the block.

        Raises `SyncLockedError` if another process has it.
        """
        _refuse_transaction_pooling(connection, self.url)
        if not one(connection, "take_lock", {"key": self.lock_key()}).taken:
            raise errors.SyncLockedError(_locked_message(connection))
        leadership = Leadership(connection, uuid.uuid4())
        run(connection, "lead", {"token": leadership.token, "host": socket.gethostname(), "pid": os.getpid()})
        yield leadership

    def lock_key(self) -> int:
        """The advisory lock of this state: one per schema, so that two states can share a database."""
        digest = hashlib.blake2b(f"syncer {self.schema}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    def _set_up(self, connection: Connection) -> None:
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
        run(connection, "set_up_session", schema=psycopg.sql.Identifier(self.schema))


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


def _locked_message(connection: Connection) -> str:
    leader = run(connection, "show_leader").fetchone()
    if leader is None:
        return "another syncer is syncing on this state; try again when it has finished"
    since = leader.since.strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"another syncer is syncing on this state: host {leader.host}, pid {leader.pid}, since {since};"
        " try again when it has finished"
    )


def _refuse_transaction_pooling(connection: Connection, url: str) -> None:
    """The lock belongs to a session. Behind a pooler in transaction mode it would belong to whoever comes next.

    A pooler shows itself by another backend pid than the one it announced; in transaction mode it lends the backend
    of an idle session to the next that asks.
    """
    backend = one(connection, "show_backend").pid
    if backend == connection.info.backend_pid:
        return
    with psycopg.connect(url, autocommit=True, prepare_threshold=None, row_factory=namedtuple_row) as other:
        if one(other, "show_backend").pid == backend:
            raise errors.StateError(
                f"`state.url` goes through a connection pooler in transaction mode (port {connection.info.port});"
                " the lock needs a session of its own: give the address of PostgreSQL itself, usually port 5432"
            )
