"""A reading of any database with a SQLAlchemy dialect: streamed rows, of one read-only view if the database has such.

Never writes. Holds a few thousand rows at a time, whatever the size of the table. A third-party driver may raise
anything, so every `Exception` that comes out of one is translated here.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import sqlalchemy

from syncer import errors, models
from syncer.sql import query
from syncer.warehouses import arrow, base, dialects, duckdb, people, tables, text, values
from syncer.warehouses.session import Session
from syncer.warehouses.words import Words

_ROUND = 10
"""A limit that people set is a multiple of it, or a power of two."""

_Result = sqlalchemy.CursorResult[Any]
_Select = sqlalchemy.Select[Any]
_Table = tuple[_Select, base.Columns]
_Rows = Sequence[Sequence[object]]
_Piece = TypeVar("_Piece")


class _Doubted(NamedTuple):
    """A source that was read, of so many rows. `counting` asks how many it has; `before` is how many it had before."""

    source: models.Source
    rows: int
    counting: str | _Select
    before: int | None


class GenericReading:
    """See `models.Reading`. Has a session of its own, and a thread in which alone its driver is used."""

    def __init__(
        self, engine: sqlalchemy.Engine, words: Words, waits: models.Waits, first: Sequence[str] | None = None
    ) -> None:
        self._session = Session(engine, words, waits, first)
        self._dialect = engine.dialect
        self._words = words
        self._snapshot_at = datetime.now(UTC)
        self._alone = base.OneAtATime()
        self._rows = 0
        self._doubted: list[_Doubted] = []

    def begin(self) -> None:
        """Takes the view that everything is read from."""
        self._snapshot_at = datetime.now(UTC)
        self._session.begin()

    @property
    def snapshot_at(self) -> datetime:
        """See `models.Reading`. By the clock of this machine."""
        return self._snapshot_at

    def stream(self, source: models.Source) -> models.CopyStream | models.RowStream:
        """See `models.Reading`. A query runs when its first row is asked for; it may be found wrong before."""
        self._alone.check()
        table = None if source.table is None else self._table(source)
        plain = self._plain(source, table)
        if plain is not None:
            return models.CopyStream(self._alone.guard(self._blocks(plain)), "csv")
        return models.RowStream(self._alone.guard(self._members(source, table)))

    def answer(self, query: str) -> object:
        """See `models.Reading`. Runs as it stands: not every database lets any query stand inside another."""
        self._alone.check()
        source = base.question(query)
        result = self._run(source, self._statement(source))
        columns = list(result.keys())
        rows = next(self._partitions(source, result), ())
        if len(rows) <= 1:
            self._session.end(result)
        return base.only_value(source, columns, rows)

    def has_cipher(self, asking: str) -> bool:
        """Whether the session says, when asked so, that it is encrypted."""
        row = self._session.call(lambda connection: connection.exec_driver_sql(asking).first())
        return bool(row and row[1])

    def rows_read(self) -> int:
        """See `models.Reading`. Counted here: no other database says how many rows it sent."""
        return self._rows

    def confirm(self) -> None:
        """See `models.Reading`. Servers, users and proxies may have a limit that cuts a result off without a word, so
        where one can be, what was read is counted there: every table, and a query of a number of rows that a limit may
        have, because counting runs it once more.
        """
        for doubted in self._doubted:
            now = self._count(doubted.source, doubted.counting)
            # Rows may come and go meanwhile where there is no snapshot.
            least = now if now is None or doubted.before is None else min(now, doubted.before)
            if least is not None and doubted.rows < least:
                what = base.name_of(doubted.source)
                raise errors.WarehouseError(
                    f"{doubted.source.path}: the snapshot is not whole: {what} has {least} rows,"
                    f" and {doubted.rows} arrived; lift the limit that the server, this user or a proxy has for"
                    " results; nothing was sent"
                )
        if self._dialect.name == "postgresql":
            statement = query("warehouse_rebuilt")
            try:
                found = self._session.call(lambda connection: connection.exec_driver_sql(statement).all())
            except Exception as exc:
                raise self._words.unconfirmed(exc) from exc
            base.refuse_rebuilt([str(row[0]) for row in found])

    def check(self, source: models.Source, *, wrapped: bool) -> None:
        """Runs what `stream` would run, for no rows if `wrapped`; raises what is wrong with it."""
        if source.table is not None:
            statement, _ = self._table(source)
            self._keys(source, tables.none_of(statement))
            return
        query = self._statement(source)
        names = self._names(source, query)
        if wrapped:
            query = f"SELECT * FROM (\n{query}\n) q WHERE 1 = 0"  # nosec B608 # the user's own query
        result = self._run(source, query)
        if wrapped:
            self._session.end(result)
        base.pick_columns(source, names or list(result.keys()))

    def _names(self, source: models.Source, query: str) -> list[str]:
        """The names of a query's columns where a query around it would change them: of two of one name, the second."""
        if self._dialect.name == "duckdb":
            shape = self._shape(source, query)
            return [] if shape is None else list(shape.columns)
        return self._keys(source, query) if self._dialect.name == "sqlite" else []

    def close(self) -> None:
        """Lets go of the connection."""
        with suppress(Exception):
            self._alone.close()
        self._session.close()

    def _members(self, source: models.Source, table: _Table | None) -> Generator[models.MemberRow, None, None]:
        statement: str | _Select = self._statement(source) if table is None else table[0]
        doubted = self._doubts(source, statement)
        if source.people is not None:
            statement = yield from self._for_people(source, statement, table and table[1])
            doubted = None
        moments: Sequence[str] = ()
        if self._dialect.name == "duckdb":
            statement, moments = self._exact(source, statement, table and table[1])
        result = self._run(source, statement)
        # A statement of ours has the columns of the table in this order, whatever they are called in its result.
        names = list(result.keys()) if table is None or moments else table[1].present()
        columns = base.pick_columns(source, names) if table is None else table[1]
        places = text.Places.of(columns, names, moments)
        read = 0
        for rows in self._partitions(source, result):
            read += len(rows)
            found = text.members(rows, source, places)
            self._rows += len(found)
            yield from found
        self._session.end(result)
        if doubted is not None and (table is not None or _is_round(read)):
            self._doubted.append(doubted._replace(rows=read))

    def _for_people(
        self, source: models.Source, statement: str | _Select, columns: base.Columns | None
    ) -> Generator[models.MemberRow, None, str | _Select]:
        """Hands over the audiences that a source names, and returns the statement for the people of the source.

        That is the whole statement where a query cannot stand inside another.
        """
        found = columns or self._wrapped_columns(source, str(statement))
        if found is None:
            return statement
        asked = people.names(self._dialect, statement, found)
        names = [] if asked is None else [row[0] for rows in self._all(source, asked) for row in rows]
        for member in text.without_anybody(source, names):
            self._rows += 1
            yield member
        return people.only(self._dialect, statement, source.people or models.People(), found)

    def _wrapped_columns(self, source: models.Source, query: str) -> base.Columns | None:
        """The columns of a query that may stand inside another, or None."""
        try:
            names = self._keys(source, f"SELECT * FROM (\n{query}\n) q WHERE 1 = 0")  # nosec B608 # the user's own
        except errors.WarehouseError:
            return None
        return base.pick_columns(source, names)

    def _doubts(self, source: models.Source, statement: str | _Select) -> _Doubted | None:
        """How to see later whether all of a source was read, if its dialect may cut a result off without a word."""
        dialect = self._dialect.name
        if dialect in dialects.WHOLE:
            return None
        if isinstance(statement, str):
            count: str | _Select = f"SELECT count(*) FROM (\n{statement}\n) q"  # nosec B608 # the user's own query
            return _Doubted(source, 0, count, None)
        count = sqlalchemy.select(sqlalchemy.func.count()).select_from(*statement.get_final_froms())
        return _Doubted(source, 0, count, None if dialect in dialects.BEGIN else self._count(source, count))

    def _count(self, source: models.Source, statement: str | _Select) -> int | None:
        """How many rows a source has; None for a query that cannot stand inside another."""
        try:
            ((row,),) = self._all(source, statement)
        except errors.WarehouseError:
            if source.table is None:
                return None
            raise
        return int(str(row[0]))

    def _statement(self, source: models.Source) -> str:
        """The user's own query. Only some databases, or their drivers, take no second statement after it."""
        dialect = self._dialect.name
        statement = base.statement(source, alone=dialect in dialects.ONE_STATEMENT)
        if dialect == "duckdb":
            self._session.call(lambda connection: duckdb.refuse_several(connection, source, statement))
        return statement

    def _exact(
        self, source: models.Source, statement: str | _Select, columns: base.Columns | None
    ) -> tuple[str | _Select, Sequence[str]]:
        """The statement as DuckDB has to run it, and its columns of dates and times."""
        shape = self._shape(source, statement)
        if shape is None:
            return statement, ()
        columns = columns or base.pick_columns(source, shape.columns)
        return duckdb.exact(duckdb.text_of(self._dialect, statement), shape, columns)

    def _shape(self, source: models.Source, statement: str | _Select) -> Any:
        try:
            return self._session.call(lambda connection: duckdb.relation(connection, statement))
        except Exception as exc:
            raise self._words.broken(source, exc) from exc

    def _plain(self, source: models.Source, table: _Table | None) -> arrow.Members | None:
        """The members in columns, if the driver can give them so."""
        statement, columns = table or (self._statement(source), None)
        if source.people is not None:
            return None
        try:
            return self._session.call(lambda connection: arrow.members(connection, statement, source, columns))
        except errors.WarehouseError:
            raise
        except Exception as exc:
            raise self._words.broken(source, exc) from exc

    def _blocks(self, plain: arrow.Members) -> Generator[bytes, None, None]:
        for block in self._each(plain.source, plain.blocks(), lambda block: block.rows):
            self._rows += block.members
            yield block.lines

    def _all(self, source: models.Source, statement: str | _Select) -> list[_Rows]:
        """The whole result of a statement that gives little."""
        result = self._run(source, statement)
        rows = list(self._partitions(source, result))
        self._session.end(result)
        return rows

    def _partitions(self, source: models.Source, result: _Result) -> Iterator[_Rows]:
        rows = values.alike(self._dialect.name, result, result.partitions(self._session.partition))
        return self._each(source, rows, len)

    def _each(self, source: models.Source, pieces: Iterator[_Piece], size: Callable[[_Piece], int]) -> Iterator[_Piece]:
        """The pieces of a result. An error says how many rows came before it."""
        done = 0
        while True:
            try:
                piece = self._session.call(lambda _: next(pieces, None))
            except Exception as exc:
                raise self._words.broken(source, exc, done) from exc
            if piece is None:
                return
            done += size(piece)
            yield piece

    def _run(self, source: models.Source, statement: str | _Select) -> _Result:
        """Runs the user's own text as it stands, or a statement of ours in the dialect's quoting."""
        try:
            result = self._session.execute(statement)
        except Exception as exc:
            raise self._words.broken(source, exc) from exc
        if not result.returns_rows:
            raise errors.WarehouseError(f"{source.path}: the query returns no rows at all; write a SELECT")
        return result

    def _keys(self, source: models.Source, statement: str | _Select) -> list[str]:
        """The names of a statement's columns. It is not read, and closed: a session may have one cursor only."""
        result = self._run(source, statement)
        names = list(result.keys())
        self._session.end(result)
        return names

    def _table(self, source: models.Source) -> _Table:
        """The statement for the table of `source`; its columns' names are asked of the database."""
        parts = base.split_table(source)
        table = tables.clause(self._dialect, parts)
        try:
            real = self._keys(source, tables.probe(table))
        except errors.WarehouseError as exc:
            # Some databases answer nothing more in a failed transaction; after a rollback its view is gone.
            self._alone.close()
            schema = [part.name for part in parts[:-1]]
            try:
                names = self._session.call(lambda connection: tables.names(connection, schema))
            except Exception:
                names = []  # only a hint
            raise base.unreadable(source, names, exc) from exc
        columns = base.pick_columns(source, real)
        return tables.rows(self._dialect, table, columns.present()), columns


def _is_round(rows: int) -> bool:
    return rows % _ROUND == 0 or rows & (rows - 1) == 0
