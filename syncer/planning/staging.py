"""Copies rows of the warehouse into private tables of this session: every row, or it is an error."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
import psycopg.sql
from psycopg.abc import Buffer
from psycopg.copy import LibpqWriter

from syncer import errors, models, sql
from syncer.state import Connection, analyze, execute

Piece = tuple[models.CopyStream | models.RowStream, models.Source]
"""A stream, and the source that its rows are of."""

MEMBERS = "snapshot_member"
MOVED = "moved_member"
_SUPPRESSED = "suppressed_name"


class Travelled(NamedTuple):
    """How many rows, and bytes of them, came from the warehouse."""

    rows: int
    size: int


class _Counting(LibpqWriter):
    """Counts the bytes on their way to the state: about as many came from the warehouse."""

    size = 0

    def write(self, data: Buffer) -> None:
        self.size += len(data)
        super().write(data)


@contextmanager
def room(connection: Connection) -> Iterator[None]:
    """Lets go of what was staged, at the end."""
    try:
        yield
    finally:
        # A session that was broken into cannot; the next snapshot does it. With a session that has ended, it has gone.
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            execute(connection, "drop_snapshot")


def stage(connection: Connection, reading: models.Reading, pieces: Iterable[Piece], table: str = MEMBERS) -> Travelled:
    """Copies these pieces, one after the other, into an empty table. Raises `WarehouseError` unless every row arrived.

    The table is that of all members, or `MOVED`.
    """
    execute(connection, "drop_snapshot")
    execute(connection, "create_snapshot_member" if table == MEMBERS else "create_moved_member")
    return _stage(connection, reading, pieces, table)


def stage_names(connection: Connection, reading: models.Reading, pieces: Iterable[Piece]) -> Travelled:
    """Copies the names of whoever is suppressed in, beside the members. Raises as `stage` does."""
    execute(connection, "create_suppressed_name")
    return _stage(connection, reading, pieces, _SUPPRESSED)


def _stage(connection: Connection, reading: models.Reading, pieces: Iterable[Piece], table: str) -> Travelled:
    before = reading.rows_read()
    arrived = [_stage_piece(connection, *piece, table) for piece in pieces]
    reading.confirm()
    travelled = Travelled(sum(each.rows for each in arrived), sum(each.size for each in arrived))
    sent = reading.rows_read() - before
    if travelled.rows != sent:
        raise errors.WarehouseError(
            f"the snapshot is not whole: the warehouse sent {sent} rows, {travelled.rows} arrived;"
            " nothing was sent, run it again"
        )
    analyze(connection, table)
    return travelled


def _stage_piece(
    connection: Connection, stream: models.CopyStream | models.RowStream, source: models.Source, table: str
) -> Travelled:
    names = psycopg.sql.SQL(", ").join(psycopg.sql.Identifier(name) for name in source.columns)
    given = stream.format if isinstance(stream, models.CopyStream) else "text"
    statement = psycopg.sql.SQL(sql.query("stage_members")).format(
        table=psycopg.sql.Identifier(table), columns=names, format=psycopg.sql.Literal(given)
    )
    try:
        with connection.cursor() as cursor:
            writer = _Counting(cursor)
            with cursor.copy(statement, writer=writer) as copy:
                if isinstance(stream, models.CopyStream):
                    for block in stream.blocks:
                        copy.write(block)
                else:
                    positions = [models.MemberRow._fields.index(name) for name in source.columns]
                    for row in stream.rows:
                        copy.write_row([row[position] for position in positions])
            return Travelled(cursor.rowcount, writer.size)
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        # Only its first line: what comes after it quotes the row.
        words = error.diag.message_primary or type(error).__name__
        raise errors.WarehouseError(
            f"{source.path}: the state cannot take one of its rows: {words}; nothing was sent", quoted=words
        ) from error
