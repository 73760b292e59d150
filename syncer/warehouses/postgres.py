"""PostgreSQL as a warehouse: one repeatable-read, read-only transaction, members by binary `COPY`, unparsed.

Uses and sets nothing of the session outside that transaction, so transaction pooling does no harm. Never writes.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar, cast

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from syncer import addresses, errors, models
from syncer.encryption import clear_text
from syncer.keepalive import KEEPALIVE
from syncer.sql import query
from syncer.warehouses import base, columns, redshift
from syncer.warehouses.words import Words

_DEFAULTS: Mapping[str, object] = {"application_name": "syncer warehouse", **KEEPALIVE}
# These hold whatever the configuration says: the stream is UTF-8, and a pooler knows no prepared statements.
_FIXED: Mapping[str, object] = {"client_encoding": "utf8", "prepare_threshold": None}
# What psycopg takes beside the options of a connection: that is about how rows are read here, and at which moment.
_OURS = frozenset(("autocommit", "conninfo", "context", "cursor_factory", "row_factory"))

_BLOCK_ROWS = 1000
_FIRST_OF_OTHERS = 16384
"""The first oid of what does not come with PostgreSQL."""

Connection = psycopg.Connection[tuple[object, ...]]

_Row = TypeVar("_Row")


class _TableInState(NamedTuple):
    oid: int
    schema: str
    name: str
    statement_timeout: str
    lock_timeout: str


class _Table(NamedTuple):
    schema: str
    name: str
    columns: list[str]
    is_view: bool


class _Name(NamedTuple):
    name: str


class _LockName(NamedTuple):
    schema: str
    name: str


class _TableName(NamedTuple):
    """`short` is enough if the table is `visible`: the search_path finds it."""

    name: str
    short: str
    visible: bool


class PostgresWarehouse:
    """See `models.Warehouse`."""

    def __init__(self, address: addresses.Address, connect_args: Mapping[str, object]) -> None:
        if ours := sorted(_OURS & connect_args.keys()):
            said = f"{', '.join(ours)}: no option of a connection to PostgreSQL; leave it out"
            raise errors.ConfigError([errors.Problem("warehouse.connect_args", said)])
        self._words = Words(address, connect_args)
        self._address = address
        # What stands in the URL's query must not be overruled by our defaults.
        defaults = {key: value for key, value in _DEFAULTS.items() if key not in address.query}
        self._connect_args = {**defaults, **connect_args, **_FIXED}

    @contextmanager
    def reading(self, sources: Sequence[models.Source] = ()) -> Iterator[models.Reading]:
        """See `models.Warehouse`."""
        with self._transaction() as connection:
            reading = PostgresReading(connection, self._words, self._begin(connection, sources))
            try:
                yield reading
            finally:
                reading.close()

    def table_in_state(self, source: models.Source, state_lock: int) -> models.TableInState | None:
        """See `models.Warehouse`."""
        if source.table is None:
            return None
        with self._transaction() as connection:
            try:
                found = _rows(
                    connection, _TableInState, "warehouse_table_in_state", table=_quoted(source), lock=state_lock
                )
            except psycopg.Error as exc:
                raise self._words.broken(source, exc) from exc
            if not found:
                return None
            reading = PostgresReading(connection, self._words, datetime.now(UTC))
            columns, members = reading.checked(source)
            return models.TableInState(**found[0]._asdict(), columns=columns, members=members.as_string(connection))

    def problems(self, sources: Sequence[models.Source]) -> list[tuple[str, str]]:
        """See `models.Warehouse`."""
        found: list[tuple[str, str]] = []
        try:
            with self.reading() as reading:
                for source in sources:
                    found += cast("PostgresReading", reading).problems(source)
        except errors.ConfigError as exc:
            found += [(each.path, each.message) for each in exc.problems]
        except errors.WarehouseError as exc:
            found.append(base.problem("warehouse.url", exc))
        return found

    def caveats(self) -> list[str]:
        """See `models.Warehouse`."""
        try:
            with closing(self._connect()) as connection:
                host = connection.info.hostaddr or connection.info.host
                found = clear_text(host, encrypted=connection.pgconn.ssl_in_use)
        except (errors.WarehouseError, errors.ConfigError):  # one of its problems
            return []
        return [] if found is None else [found]

    def close(self) -> None:
        """See `models.Warehouse`. Every reading has a session of its own, and ends it."""

    def _begin(self, connection: Connection, sources: Sequence[models.Source]) -> datetime:
        """Locks these sources and takes the snapshot; returns when that was."""
        try:
            if sources:
                self._lock(connection, sources)
            return _snapshot_at(connection)
        except psycopg.Error as exc:
            raise self._words.unreachable(exc) from exc

    def _lock(self, connection: Connection, sources: Sequence[models.Source]) -> None:
        """Begins the transaction by locking what the sources read, before it has a snapshot.

        What cannot be locked (a materialized view, what a function reads) is left to `PostgresReading.confirm`, and so
        is all if locking fails: then, too, the transaction is a new one.
        """
        look = PostgresReading(connection, self._words, _snapshot_at(connection))
        for source in sources:
            look.problems(source)  # are told once they are read
        names = [
            sql.Identifier(found.schema, found.name) for found in _rows(connection, _LockName, "warehouse_lock_names")
        ]
        self._begin_anew(connection)
        if names:
            try:
                connection.execute(_text("warehouse_lock").format(tables=sql.SQL(", ").join(names)))
            except psycopg.Error:
                self._begin_anew(connection)

    def _begin_anew(self, connection: Connection) -> None:
        """Ends the transaction, and what was set in it, for one that is set up and has no snapshot yet."""
        connection.rollback()
        self._set_up(connection)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with closing(self._connect()) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            try:
                self._set_up(connection)
                yield connection
            finally:
                # If the connection is lost there is nothing to roll back, and another error is on its way.
                with suppress(psycopg.Error):
                    connection.rollback()

    def _connect(self) -> Connection:
        try:
            connection = psycopg.connect(**{**addresses.libpq(self._address), **self._connect_args})
            if connection.info.server_version < redshift.BEFORE:
                self._refuse_redshift(connection)
        except (ValueError, psycopg.Error) as exc:
            raise self._words.unreachable(exc) from exc
        return connection

    def _refuse_redshift(self, connection: Connection) -> None:
        try:
            redshift.refuse(connection.execute(redshift.ASK.encode()).fetchone())
            connection.rollback()
        except BaseException:
            connection.close()
            raise

    def _set_up(self, connection: Connection) -> None:
        try:
            connection.execute(query("warehouse_session"))
        except psycopg.Error as exc:
            raise self._words.unreachable(exc) from exc


class PostgresReading:
    """See `models.Reading`. Lives in the transaction that it is given."""

    def __init__(self, connection: Connection, words: Words, snapshot_at: datetime) -> None:
        self._connection = connection
        self._words = words
        self._snapshot_at = snapshot_at
        self._alone = base.OneAtATime()
        self._rows = 0

    @property
    def snapshot_at(self) -> datetime:
        """See `models.Reading`."""
        return self._snapshot_at

    def stream(self, source: models.Source) -> models.CopyStream:
        """See `models.Reading`."""
        self._alone.check()
        _, members = self._resolved(source)
        statement = _text("warehouse_copy_members").format(members=members)
        return models.CopyStream(self._alone.guard(self._blocks(source, statement)), "binary")

    def answer(self, query: str) -> object:
        """See `models.Reading`."""
        self._alone.check()
        source = base.question(query)
        text = _text("warehouse_answer").format(query=sql.SQL(base.statement(source, alone=True)))
        try:
            cursor = _alone(self._connection, text)
            names, rows = [column.name for column in cursor.description or ()], cursor.fetchall()
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        return base.only_value(source, names, rows)

    def rows_read(self) -> int:
        """See `models.Reading`. By the server's own count of every stream that was read to its end."""
        return self._rows

    def confirm(self) -> None:
        """See `models.Reading`. What was read stays locked until the transaction ends, so later nothing is rebuilt."""
        try:
            rebuilt = _rows(self._connection, _Name, "warehouse_rebuilt")
        except psycopg.Error as exc:
            raise self._words.unconfirmed(exc) from exc
        base.refuse_rebuilt([table.name for table in rebuilt])

    def problems(self, source: models.Source) -> list[tuple[str, str]]:
        """What keeps this source from being read. The transaction stays usable."""
        try:
            with self._connection.transaction():
                self.checked(source)
        except errors.WarehouseError as exc:
            return base.problems_of(source, exc)
        except psycopg.Error as exc:
            return base.problems_of(source, self._words.broken(source, exc))
        return []

    def close(self) -> None:
        """Cancels the stream that is open, if any."""
        self._alone.close()

    def checked(self, source: models.Source) -> tuple[list[str], sql.Composed]:
        """The columns that are read of a source, and the statement for its members. Raises unless this role may."""
        found, members = self._resolved(source)
        try:
            _alone(self._connection, _text("warehouse_check_members").format(members=members))
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        return sorted(set(found.present())), members

    def _blocks(self, source: models.Source, statement: sql.Composed) -> Generator[bytes, None, None]:
        """The stream in blocks: a `COPY` hands over row by row, which would be slow to pass on."""
        rows: list[memoryview] = []
        try:
            with self._connection.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    for row in copy:
                        rows.append(cast("memoryview", row))
                        if len(rows) == _BLOCK_ROWS:
                            yield b"".join(rows)
                            rows.clear()
                # Only the server's last message carries the count; without it this is no whole stream.
                if cursor.rowcount < 0:
                    raise psycopg.OperationalError("the server did not say how many rows it sent")
                self._rows += cursor.rowcount
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        if rows:
            yield b"".join(rows)

    def _resolved(self, source: models.Source) -> tuple[base.Columns, sql.Composed]:
        """The columns of one source, and the statement for its members: the names are those that the database has."""
        if source.table is None:
            relation, described = self._query(source)
            found, is_table = base.pick_columns(source, [name for name, _ in described]), False
        else:
            table = self._table(source)
            relation, is_table = sql.Identifier(table.schema, table.name), not table.is_view
            found = base.pick_columns(source, table.columns)
            described = self._types(source, relation, found)
        if found.member is not None and not is_table:
            relation = columns.all_rows(relation)
        encoded = self._connection.info.parameter_status("server_encoding") != "SQL_ASCII"
        members = columns.members(
            found,
            dict(described),
            source.audience_name,
            relation,
            source.people,
            encoded=encoded,
            unless=source.unless,
        )
        return found, members

    def _runs_nothing(self, source: models.Source) -> bool:
        """Whether to read a source runs nothing that others wrote: it is a plain table, with PostgreSQL's own types."""
        if source.table is None:
            return False
        table = self._table(source)
        relation, found = sql.Identifier(table.schema, table.name), base.pick_columns(source, table.columns)
        types = self._types(source, relation, found)  # locks it: from here on it stays what it is
        try:
            plain = _rows(self._connection, _Name, "warehouse_plain_table", table=_quoted(source))
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        return bool(plain) and all(oid < _FIRST_OF_OTHERS for _, oid in types)

    def _table(self, source: models.Source) -> _Table:
        try:
            found = _rows(self._connection, _Table, "warehouse_table", table=_quoted(source))
            newer = [] if found else _rows(self._connection, _Name, "warehouse_newer_table", table=_quoted(source))
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        base.refuse_rebuilt([table.name for table in newer])
        if not found:
            raise base.no_table(source, self._table_names())
        return found[0]

    def _types(self, source: models.Source, relation: sql.Composable, found: base.Columns) -> list[tuple[str, int]]:
        """The types of the columns that are read of a table."""
        names = sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys(found.present()))
        statement = _text("warehouse_column_types").format(columns=names, relation=relation)
        return self._described(source, statement)

    def _query(self, source: models.Source) -> tuple[sql.Composable, list[tuple[str, int]]]:
        text = sql.SQL(base.statement(source, alone=True))
        described = self._described(source, _text("warehouse_query_columns").format(query=text))
        return sql.SQL("(\n{}\n)").format(text), described

    def _described(self, source: models.Source, statement: sql.Composed) -> list[tuple[str, int]]:
        """The names and types of a statement's columns."""
        try:
            cursor = _alone(self._connection, statement)
        except psycopg.Error as exc:
            raise self._words.broken(source, exc) from exc
        return [(column.name, column.type_code) for column in cursor.description or ()]

    def _table_names(self) -> list[str]:
        try:
            tables = _rows(self._connection, _TableName, "warehouse_table_names")
        except psycopg.Error:
            return []  # only a hint
        return [table.name for table in tables] + [table.short for table in tables if table.visible]


def _rows(connection: Connection, row: type[_Row], name: str, **parameters: object) -> list[_Row]:
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _alone(connection: Connection, statement: sql.Composed) -> psycopg.Cursor[tuple[object, ...]]:
    """Executes a statement that the user's own text stands in: that cannot end it, and the transaction, and go on.

    Binary results come by the protocol that takes one statement only, as what is copied does.
    """
    return connection.execute(statement, binary=True)


def _snapshot_at(connection: Connection) -> datetime:
    row = connection.execute(query("warehouse_snapshot")).fetchone()
    return cast("datetime", row[0]).astimezone(UTC) if row else datetime.now(UTC)


def _quoted(source: models.Source) -> str:
    return sql.Identifier(*(part.name for part in base.split_table(source))).as_string()


def _text(name: str) -> sql.SQL:
    return sql.SQL(query(name))
