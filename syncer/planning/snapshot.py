"""The snapshot: who is a member of what at the warehouse, as of one moment.

What the warehouse says is what its role sees in its own session. A plain membership table in the state's own database
is read where it is, if the state's session certainly sees the same there; everything else is staged, whole or not at
all.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
import psycopg.sql

from syncer import errors, models, sql
from syncer.state import Connection, Row, analyze, execute, fetch_all, fetch_value

# Classes of errors that are the state's also while the warehouse's table is read in its session: the connection, the
# transaction, room and memory, an administrator.
_OF_THE_STATE = ("08", "25", "40", "53", "57P")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A relation with audience, user_id, email and unsendable, and how statements read it, as `source`.

    `taken_at` is None where this transaction takes it. `table` is the warehouse's own, if it is read where it is, and
    `path` where the configuration names it: its errors come out as `WarehouseError`, and a statement that reads it
    takes no longer than one of the warehouse's reader may.
    """

    relation: psycopg.sql.Composable
    taken_at: datetime | None = None
    table: models.TableInState | None = None
    path: str | None = None

    def hold(self, connection: Connection) -> None:
        """Begins the transaction that reads the snapshot: until its end the table, if it is one, stays what it is.

        Raises `WarehouseError` if it is not what it was found to be.
        """
        if self.table is None:
            return
        name = psycopg.sql.Identifier(self.table.schema, self.table.name)
        with self._reading(connection):
            execute(connection, "lock_table", table=name)
            oid = fetch_value(connection, "find_locked_table", {"table": name.as_string(connection)})
            if not _may_read(connection, replace(self.table, oid=oid)):
                raise errors.WarehouseError(
                    f"{self.path}: somebody replaced the table, or changed its columns or its owner, while the run"
                    " began; nothing was sent, run it again"
                )

    def execute(
        self,
        connection: Connection,
        name: str,
        parameters: Mapping[str, object] | None = None,
        **placeholders: psycopg.sql.Composable,
    ) -> psycopg.Cursor[Any]:
        """Executes the statement `name`, which reads the snapshot: see `state.execute`."""
        with self._reading(connection):
            return execute(connection, name, parameters or {}, source=self.relation, **placeholders)

    def fetch_all(
        self, connection: Connection, row: type[Row], name: str, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        """All rows of the statement `name`, each as a `row`: see `state.fetch_all`."""
        with self._reading(connection):
            return fetch_all(connection, row, name, parameters or {}, source=self.relation)

    def fetch_value(self, connection: Connection, name: str, parameters: Mapping[str, object] | None = None) -> Any:
        """The one value of the one row of the statement `name`: see `state.fetch_value`."""
        with self._reading(connection):
            return fetch_value(connection, name, parameters or {}, source=self.relation)

    @contextmanager
    def _reading(self, connection: Connection) -> Iterator[None]:
        if self.table is not None:
            _limit(connection, self.table.statement_timeout, self.table.lock_timeout)
        try:
            yield
        except psycopg.DatabaseError as error:
            if self.path is None or error.sqlstate is None or error.sqlstate.startswith(_OF_THE_STATE):
                raise
            words = " ".join(str(error).split())
            raise errors.WarehouseError(
                f"{self.path}: reading the table failed: {words}; nothing was sent", quoted=words
            ) from error
        if self.table is not None:
            _limit(connection, "0", "0")


def _limit(connection: Connection, statement: str, lock: str) -> None:
    """Limits the next statements of this transaction; being no query, that takes no snapshot."""
    limits = {"statement_timeout": psycopg.sql.Literal(statement), "lock_timeout": psycopg.sql.Literal(lock)}
    for name, limit in limits.items():
        execute(connection, "limit_statement", setting=psycopg.sql.Identifier(name), limit=limit)


@contextmanager
def take_snapshot(
    connection: Connection, warehouse: models.Warehouse, sources: Sequence[models.Source], ready: str | None
) -> Iterator[Snapshot]:
    """The members as of one moment; the query `ready`, if any, has to say that they can be read.

    Raises `WarehouseError` unless the snapshot is whole, `HeldError` unless the warehouse is ready.
    """
    table = _table_in_state(connection, warehouse, sources)
    if table is not None:
        if ready is not None:
            with warehouse.reading() as reading:
                _refuse_unready(reading, ready)
                reading.confirm()
        yield Snapshot(_members(table, sources[0]), table=table, path=sources[0].path)
        return
    try:
        with warehouse.reading(sources) as reading:
            if ready is not None:
                _refuse_unready(reading, ready)
            _stage(connection, reading, sources)
            taken_at = reading.snapshot_at
        yield Snapshot(psycopg.sql.Identifier("snapshot_member"), taken_at)
    finally:
        # A session that was broken into cannot; the next snapshot does it. With a session that has ended, it has gone.
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            execute(connection, "drop_snapshot")


def _table_in_state(
    connection: Connection, warehouse: models.Warehouse, sources: Sequence[models.Source]
) -> models.TableInState | None:
    """The membership table itself, if it is all there is to read, lives in the state's database and is the same there.

    A configured query never runs here: it belongs on the warehouse's own read-only connection.
    """
    if len(sources) != 1 or sources[0].table is None or sources[0].people is not None:
        return None
    probe = secrets.randbits(63)
    execute(connection, "lock_probe", {"key": probe})
    try:
        found = warehouse.table_in_state(sources[0], probe)
    finally:
        execute(connection, "unlock_probe", {"key": probe})
    return found if found is not None and _may_read(connection, found) else None


def _may_read(connection: Connection, table: models.TableInState) -> bool:
    asked = {"table": table.oid, "schema": table.schema, "columns": list(table.columns)}
    return bool(fetch_value(connection, "may_read_in_place", asked))


def _members(table: models.TableInState, source: models.Source) -> psycopg.sql.Composable:
    # The text becomes part of statements that are given parameters, if only none: there a percent sign is doubled.
    members = psycopg.sql.SQL(table.members.replace("%", "%%"))
    more = psycopg.sql.SQL(", member.traits" if source.traits else "")
    text = psycopg.sql.SQL(sql.query("members_in_state")).format(members=members, more=more)
    return psycopg.sql.SQL("({})").format(text)


def _refuse_unready(reading: models.Reading, ready: str) -> None:
    """Raises `HeldError` unless the warehouse says that it is ready, also if it cannot be asked."""
    try:
        answer = reading.answer(ready)
    except errors.WarehouseError as error:
        raise errors.HeldError(
            f"held: {error}; nothing was sent, the next run asks again", quoted=error.quoted
        ) from error
    # Databases without a boolean say 1.
    if answer is not True and answer != 1:
        raise errors.HeldError(
            f"held: guard.ready said {_in_sql(answer)}, not true; nothing was sent, the next run asks again"
        )


def _in_sql(answer: object) -> str:
    return "nothing" if answer is None else "false" if answer is False else type(answer).__name__


def _stage(connection: Connection, reading: models.Reading, sources: Sequence[models.Source]) -> None:
    """Copies the sources into this session's staging table. Raises `WarehouseError` unless every row arrived."""
    execute(connection, "drop_snapshot")
    execute(connection, "create_snapshot_member")
    staged = sum(_stage_source(connection, reading.stream(source), source) for source in sources)
    reading.confirm()
    if staged != reading.rows_read():
        raise errors.WarehouseError(
            f"the snapshot is not whole: the warehouse sent {reading.rows_read()} rows, {staged} arrived;"
            " nothing was sent, run it again"
        )
    analyze(connection, "snapshot_member")


def _stage_source(connection: Connection, stream: models.CopyStream | models.RowStream, source: models.Source) -> int:
    names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier(name) for name in source.columns)
    given = stream.format if isinstance(stream, models.CopyStream) else "text"
    statement = psycopg.sql.SQL(sql.query("stage_members")).format(columns=names, format=psycopg.sql.Literal(given))
    try:
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                if isinstance(stream, models.CopyStream):
                    for block in stream.blocks:
                        copy.write(block)
                else:
                    positions = [models.MemberRow._fields.index(name) for name in source.columns]
                    for row in stream.rows:
                        copy.write_row([row[position] for position in positions])
            return cursor.rowcount
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        # Only its first line: what comes after it quotes the row.
        words = error.diag.message_primary or type(error).__name__
        raise errors.WarehouseError(
            f"{source.path}: the state cannot take one of its rows: {words}; nothing was sent", quoted=words
        ) from error
