"""Any database with a SQLAlchemy dialect as a warehouse: streamed rows, of one read-only view if the database has such.

Never writes. Holds a few thousand rows at a time, whatever the size of the table. A third-party driver may raise
anything, so every `Exception` that comes out of one is translated here.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import sqlalchemy
from sqlalchemy import pool
from sqlalchemy.sql import quoted_name

from syncer import errors, models
from syncer.encryption import clear_text
from syncer.sql import query
from syncer.warehouses import arrow, base, dialects, duckdb, text

_PARTITION = 10_000
_ROUND = 10
"""A limit that people set is a multiple of it."""

# Without `no_parameters` a driver could take a `%` in the user's own text for a placeholder.
_STREAMED: Mapping[str, object] = {"stream_results": True, "yield_per": _PARTITION}

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


class GenericWarehouse:
    """See `models.Warehouse`."""

    def __init__(self, url: sqlalchemy.URL, connect_args: Mapping[str, object]) -> None:
        self._words = base.Words(url, connect_args)
        self._engine = sqlalchemy.create_engine(
            url,
            connect_args=dialects.connect_args(url, connect_args),
            poolclass=pool.NullPool,
            hide_parameters=True,
        )
        dialects.prepare(self._engine)

    @contextmanager
    def reading(self, sources: Sequence[models.Source] = ()) -> Iterator[models.Reading]:  # noqa: ARG002
        """See `models.Warehouse`."""
        with self._open() as reading:
            yield reading

    def table_in_state(self, source: models.Source, state_lock: int) -> models.TableInState | None:  # noqa: ARG002
        """Always None: the state is a PostgreSQL."""
        return None

    def problems(self, sources: Sequence[models.Source]) -> list[tuple[str, str]]:
        """See `models.Warehouse`. A view for each source: the failure of one says nothing of the next."""
        try:
            with self._open():
                pass
        except errors.WarehouseError as exc:
            return [base.problem("warehouse.url", exc)]
        return [problem for source in sources for problem in self._problems(source)]

    def caveats(self) -> list[str]:
        """See `models.Warehouse`."""
        name = self._engine.dialect.name
        found = self._clear_text()
        if name not in dialects.BEGIN:
            found.append(
                f"{name} is read one statement a source, each as of its own moment: syncer knows no snapshot of several"
                " statements there"
            )
        return found

    def close(self) -> None:
        """See `models.Warehouse`."""
        self._engine.dispose()

    def _clear_text(self) -> list[str]:
        """What to say of a session that is not encrypted, as far as the dialect lets us see it."""
        ask = dialects.CIPHER.get(self._engine.dialect.name)
        if ask is None:
            return []
        try:
            with self._engine.connect() as connection:
                row = connection.exec_driver_sql(ask).first()
        except Exception:  # one of its problems
            return []
        found = clear_text(self._engine.url.host or "", encrypted=bool(row and row[1]))
        return [] if found is None else [found]

    def _problems(self, source: models.Source) -> list[tuple[str, str]]:
        try:
            with suppress(errors.WarehouseError), self._open() as reading:
                reading.check(source, wrapped=True)
                return []
            # Not every query may stand inside another: what fails there is run as it is, and not read.
            with self._open() as reading:
                reading.check(source, wrapped=False)
        except errors.WarehouseError as exc:
            return base.problems_of(source, exc)
        return []

    @contextmanager
    def _open(self) -> Iterator["GenericReading"]:
        try:
            connection = self._engine.connect()
        except errors.WarehouseError:
            raise
        except Exception as exc:
            raise self._words.unreachable(exc) from exc
        reading = GenericReading(connection, self._words)
        try:
            reading.begin()
            yield reading
        finally:
            reading.close()


class GenericReading:
    """See `models.Reading`. Owns the connection that it is given."""

    def __init__(self, connection: sqlalchemy.Connection, words: base.Words) -> None:
        self._connection = connection
        self._words = words
        self._snapshot_at = datetime.now(UTC)
        self._alone = base.OneAtATime()
        self._rows = 0
        self._doubted: list[_Doubted] = []

    def begin(self) -> None:
        """Takes the view that everything is read from."""
        self._snapshot_at = datetime.now(UTC)
        try:
            for statement in dialects.BEGIN.get(self._connection.dialect.name, ()):
                self._connection.exec_driver_sql(statement).close()
        except Exception as exc:
            raise self._words.unreachable(exc) from exc

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
        with suppress(Exception):
            result.close()
        return base.only_value(source, columns, rows)

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
        if self._connection.dialect.name == "postgresql":
            try:
                found = self._connection.exec_driver_sql(query("warehouse_rebuilt")).all()
            except Exception as exc:
                raise self._words.unconfirmed(exc) from exc
            base.refuse_rebuilt([str(row[0]) for row in found])

    def check(self, source: models.Source, *, wrapped: bool) -> None:
        """Runs what `stream` would run, for no rows if `wrapped`; raises what is wrong with it."""
        if source.table is not None:
            statement, _ = self._table(source)
            self._run(source, statement.where(sqlalchemy.false()))
            return
        query = self._statement(source)
        names = self._names(source, query)
        if wrapped:
            query = f"SELECT * FROM (\n{query}\n) q WHERE 1 = 0"  # nosec B608 # the user's own query
        result = self._run(source, query)
        base.pick_columns(source, names or list(result.keys()))

    def _names(self, source: models.Source, query: str) -> list[str]:
        """The names of a query's columns where a query around it would change them: of two of one name, the second."""
        if self._connection.dialect.name == "duckdb":
            shape = self._shape(source, query)
            return [] if shape is None else list(shape.columns)
        if self._connection.dialect.name == "sqlite":
            result = self._run(source, query)
            with closing(result):  # before its second row
                return list(result.keys())
        return []

    def close(self) -> None:
        """Lets go of the connection."""
        # Some drivers would read what is left of a result to close it, so its connection is cut instead.
        with suppress(Exception):
            if self._alone.is_open:
                self._connection.invalidate()
        with suppress(Exception):
            self._alone.close()
        with suppress(Exception):
            self._connection.close()

    def _members(self, source: models.Source, table: _Table | None) -> Generator[models.MemberRow, None, None]:
        statement: str | _Select = self._statement(source) if table is None else table[0]
        doubted = self._doubts(source, statement)
        moments: Sequence[str] = ()
        if self._connection.dialect.name == "duckdb":
            statement, moments = self._exact(source, statement, table and table[1])
        result = self._run(source, statement)
        names = list(result.keys())
        columns = base.pick_columns(source, names) if table is None else table[1]
        places = text.Places.of(columns, names, moments)
        read = 0
        for rows in self._partitions(source, result):
            read += len(rows)
            found = text.members(rows, source, places)
            self._rows += len(found)
            yield from found
        if doubted is not None and (table is not None or read % _ROUND == 0):
            self._doubted.append(doubted._replace(rows=read))

    def _doubts(self, source: models.Source, statement: str | _Select) -> _Doubted | None:
        """How to see later whether all of a source was read, if its dialect may cut a result off without a word."""
        dialect = self._connection.dialect.name
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
            (row,) = self._run(source, statement).all()
        except errors.WarehouseError:
            if source.table is None:
                return None
            raise
        return int(row[0])

    def _statement(self, source: models.Source) -> str:
        """The user's own query. Only some databases, or their drivers, take no second statement after it."""
        dialect = self._connection.dialect.name
        statement = base.statement(source, alone=dialect in dialects.ONE_STATEMENT)
        if dialect == "duckdb":
            duckdb.refuse_several(self._connection, source, statement)
        return statement

    def _exact(
        self, source: models.Source, statement: str | _Select, columns: base.Columns | None
    ) -> tuple[str | _Select, Sequence[str]]:
        """The statement as DuckDB has to run it, and its columns of dates and times."""
        shape = self._shape(source, statement)
        if shape is None:
            return statement, ()
        columns = columns or base.pick_columns(source, shape.columns)
        return duckdb.exact(duckdb.text_of(self._connection, statement), shape, columns)

    def _shape(self, source: models.Source, statement: str | _Select) -> Any:
        try:
            return duckdb.relation(self._connection, statement)
        except Exception as exc:
            raise self._words.broken(source, exc) from exc

    def _plain(self, source: models.Source, table: _Table | None) -> arrow.Members | None:
        """The members in columns, if the driver can give them so."""
        statement, columns = table or (self._statement(source), None)
        try:
            return arrow.members(self._connection, statement, source, columns)
        except errors.WarehouseError:
            raise
        except Exception as exc:
            raise self._words.broken(source, exc) from exc

    def _blocks(self, plain: arrow.Members) -> Generator[bytes, None, None]:
        for block in self._each(plain.source, plain.blocks(), lambda block: block.rows):
            self._rows += block.members
            yield block.lines

    def _partitions(self, source: models.Source, result: _Result) -> Iterator[_Rows]:
        return self._each(source, result.partitions(_PARTITION), len)

    def _each(self, source: models.Source, pieces: Iterator[_Piece], size: Callable[[_Piece], int]) -> Iterator[_Piece]:
        """The pieces of a result. An error says how many rows came before it."""
        done = 0
        while True:
            try:
                piece = next(pieces, None)
            except Exception as exc:
                raise self._words.broken(source, exc, done) from exc
            if piece is None:
                return
            done += size(piece)
            yield piece

    def _run(self, source: models.Source, statement: str | _Select) -> _Result:
        """Runs the user's own text as it stands, or a statement of ours in the dialect's quoting."""
        try:
            if isinstance(statement, str):
                result = self._connection.exec_driver_sql(
                    statement, execution_options={**_STREAMED, "no_parameters": True}
                )
            else:
                result = self._connection.execute(statement, execution_options=_STREAMED)
        except Exception as exc:
            raise self._words.broken(source, exc) from exc
        if not result.returns_rows:
            raise errors.WarehouseError(f"{source.path}: the query returns no rows at all; write a SELECT")
        return result

    def _table(self, source: models.Source) -> _Table:
        """The statement for the table of `source`; its columns' names are asked of the database."""
        names = [quoted_name(part.name, quote=True) if part.quoted else part.name for part in base.split_table(source)]
        schema = names[0] if len(names) == 2 else ".".join(names[:-1]) or None
        table = sqlalchemy.table(names[-1], schema=schema)
        probe: _Select = sqlalchemy.select(sqlalchemy.literal_column("*")).select_from(table).where(sqlalchemy.false())
        try:
            real = list(self._run(source, probe).keys())
        except errors.WarehouseError as exc:
            # Some databases answer nothing more in a failed transaction; after a rollback its view is gone.
            self._alone.close()
            known = self._table_names(schema)
            if known and (source.table or "").lower() not in map(str.lower, known):
                raise base.no_table(source, known) from exc
            raise
        columns = base.pick_columns(source, real)
        picked: list[sqlalchemy.ColumnClause[Any]] = [sqlalchemy.column(name) for name in columns.present()]
        return sqlalchemy.select(*picked).select_from(table), columns

    def _table_names(self, schema: str | None) -> list[str]:
        try:
            self._connection.rollback()
            inspector = sqlalchemy.inspect(self._connection)
            names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        except Exception:
            return []  # only a hint
        return [f"{schema}.{name}" if schema else name for name in names]
