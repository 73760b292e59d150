"""PostgreSQL as a warehouse that keeps the snapshot of the last run: one transaction that makes a table, and reads it.

The table holds the members in the very texts that would be staged, so what is equal in it is equal byte for byte. This
transaction may write, but never while it runs what others wrote: the user's queries, views, policies and their
functions. Their rows go into a temporary table, in a part of the transaction that is read-only and cannot be made
anything else, and from there into the one that is kept. A plain table runs nothing, so its rows are written once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy
from psycopg import sql
from sqlalchemy.dialects.postgresql import psycopg as dialect

from syncer import errors, mirrors, models
from syncer.addresses import Address
from syncer.sql import query
from syncer.warehouses import base, mirror, postgres, tables
from syncer.warehouses.words import Words

_DIALECT: sqlalchemy.Dialect = dialect.PGDialect_psycopg()  # type: ignore[no-untyped-call]


class PostgresMirrors(postgres.PostgresWarehouse):
    """See `mirrors.Mirrors`."""

    def __init__(self, address: Address, connect_args: Mapping[str, object], scratch: str) -> None:
        super().__init__(address, connect_args)
        self.scratch, self.place = scratch, self._words.place

    def names(self, table: str, sources: Sequence[models.Source]) -> Sequence[str]:  # noqa: ARG002
        """See `mirrors.Mirrors`. All sources are in one."""
        return [table]

    @contextmanager
    def opened(self, sources: Sequence[models.Source], key: int) -> Iterator[mirrors.Mirror]:
        """See `mirrors.Mirrors`."""
        with self._transaction() as connection:
            opened = PostgresMirror(
                connection,
                self._words,
                self._begin(connection, sources),
                sources=sources,
                scratch=self.scratch,
                key=key,
            )
            try:
                yield opened
            finally:
                opened.close()
            try:
                connection.commit()
            except psycopg.Error as exc:
                raise self._words.unconfirmed(exc) from exc

    def _begin_anew(self, connection: postgres.Connection) -> None:
        """What was looked at before, in a transaction that is over by now, was only read."""
        connection.rollback()
        connection.read_only = False
        self._set_up(connection)

    def drop(self, scratch: str, tables: Sequence[str]) -> Sequence[str]:
        """See `mirrors.Mirrors`. A transaction for each: that one cannot be dropped says nothing of the next."""
        gone = []
        with self._transaction() as connection:
            for table in tables:
                try:
                    self._begin_anew(connection)
                    connection.execute(query("warehouse_narrow_session"))
                    connection.execute(_statement("warehouse_drop_scratch", table=_name(scratch, table)))
                    connection.commit()
                except psycopg.Error:
                    continue
                gone.append(table)
        return gone

    def scratch_problems(self, sources: Sequence[models.Source]) -> list[str]:  # noqa: ARG002
        """See `mirrors.Mirrors`."""
        try:
            with self._transaction() as connection:
                probe = [mirror.PROBE]
                tried = PostgresMirror(
                    connection, self._words, self._begin(connection, probe), sources=probe, scratch=self.scratch
                )
                name = mirror.probe_name()
                tried.create(name)
                return mirror.complaints(tried, name)
        except errors.WarehouseError as exc:
            return [base.problem("warehouse.scratch", exc)[1]]


class PostgresMirror(postgres.PostgresReading):
    """See `mirrors.Mirror`. Lives in the transaction that it is given."""

    def __init__(
        self,
        connection: postgres.Connection,
        words: Words,
        snapshot_at: datetime,
        *,
        sources: Sequence[models.Source],
        scratch: str,
        key: int = 0,
    ) -> None:
        super().__init__(connection, words, snapshot_at)
        self._sources = sources
        self._scratch = scratch
        self._row_hash = _statement("warehouse_row_hash", key=sql.Literal(key))
        self._sums: dict[str, list[sqlalchemy.TableClause]] = {}

    def answer(self, query: str) -> object:
        """See `models.Reading`."""
        with self._read_only():
            return super().answer(query)

    def create(self, table: str) -> None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        name = _name(self._scratch, table)
        if all(map(self._runs_nothing, self._sources)):
            relations = [sql.SQL("({})").format(self._resolved(source)[1]) for source in self._sources]
            self._connection.execute(query("warehouse_narrow_session"))
            texts = [_statement("warehouse_texts", relation=relation) for relation in relations]
            self._run(_statement("warehouse_create_scratch", table=name, members=sql.SQL("\nUNION ALL\n").join(texts)))
        else:
            self._create_apart(name)
        self._run(_statement("warehouse_analyze_scratch", table=name))

    def _create_apart(self, name: sql.Identifier) -> None:
        """Makes the table of what is read where nothing can be written."""
        self._run(_statement("warehouse_create_members"))
        with self._read_only():
            for source in self._sources:
                _, members = self._resolved(source)
                self._run(_statement("warehouse_fill_members", members=members))
        self._connection.execute(query("warehouse_narrow_session"))
        texts = _statement("warehouse_texts", relation=sql.Identifier("pg_temp", "syncer_members"))
        self._run(_statement("warehouse_create_scratch", table=name, members=texts))
        self._run(_statement("warehouse_empty_members"))

    def seal(self, table: str, rows: mirrors.Rows | None = None) -> str | None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        try:
            with self._connection.transaction():
                seal = self._seal(table) if rows is None else self._added_up(table, rows)
                row = self._connection.execute(seal).fetchone()
        except psycopg.Error:
            return None
        return None if row is None else str(row[0])

    def _seal(self, table: str) -> sql.Composed:
        """The statement for the seal of a table."""
        return _statement("warehouse_seal", table=_name(self._scratch, table), row_hash=self._row_hash)

    def _added_up(self, table: str, rows: mirrors.Rows) -> sql.Composed:
        """The same, once the sums of its groups of users are in private tables."""
        self._connection.execute(query("warehouse_hash_only"))
        parts = list(mirror.sums_by_part(self._kept(table), len(self._sums), self._hashes(rows), rows))
        for sums, added in parts:
            self._connection.execute(
                _statement("warehouse_create_sums", table=sql.Identifier(sums.name), sums=_compiled(added))
            )
        self._sums[table] = [sums for sums, _ in parts]
        return _statement("warehouse_seal_of_sums", sums=_compiled(mirror.added_up(self._sums[table])))

    def rows(self, table: str) -> mirrors.Rows:
        """See `mirrors.Mirror`."""
        counted = self._run(_compiled(mirror.rows_by_audience(self._kept(table)))).fetchall()
        return dict(counted)

    def headcount(self, table: str) -> mirrors.Headcount:
        """See `mirrors.Mirror`."""
        users = self._run(_statement("warehouse_scratch_users", table=_name(self._scratch, table))).fetchall()
        contacts = self._run(_statement("warehouse_scratch_contacts", table=_name(self._scratch, table))).fetchone()
        return mirrors.Headcount(dict(users), contacts[0] if contacts else 0)

    def whole(self, table: str) -> models.CopyStream:
        """See `mirrors.Mirror`."""
        return self._copied(mirror.whole(self._kept(table)))

    def moved(self, table: str, base: str | None, rows: mirrors.Rows) -> Iterator[models.CopyStream]:
        """See `mirrors.Mirror`."""
        now = self._kept(table)
        yield self._copied(mirror.nameless(now))
        if base is None:
            return
        yield from map(self._copied, mirror.moved_by_part(now, self._kept(base), self._sums, self._hashes(rows), rows))

    def _hashes(self, rows: mirrors.Rows) -> mirror.Hashes:
        groups = mirror.groups(rows)
        group = _statement("warehouse_group", groups=sql.Literal(groups))
        users = _statement("warehouse_users_hash", group=group)
        return mirror.Hashes(_expression(self._row_hash), _expression(group), _expression(users), groups)

    @contextmanager
    def _read_only(self) -> Iterator[None]:
        """A part of the transaction in which nothing can be written but to temporary tables."""
        with self._connection.transaction():
            self._connection.execute(query("warehouse_read_only"))
            yield

    def _kept(self, table: str) -> sqlalchemy.TableClause:
        return mirror.table(self._scratch, table)

    def _copied(self, statement: mirror.Statement) -> models.CopyStream:
        self._alone.check()
        copy = _statement("warehouse_copy_members", members=_compiled(statement))
        return models.CopyStream(self._alone.guard(self._blocks(self._sources[0], copy)), "binary")

    def _run(self, statement: sql.Composed | sql.SQL) -> psycopg.Cursor[Any]:
        """One statement: what of the user's own text stands in it cannot end it, and the transaction, and go on."""
        try:
            return self._connection.execute(statement, binary=True)
        except psycopg.Error as exc:
            raise self._words.broken(self._sources[0], exc) from exc


def _compiled(statement: mirror.Statement) -> sql.Composed:
    return sql.Composed([sql.SQL(tables.text_of(_DIALECT, statement))])


def _expression(text: sql.Composed) -> mirror.Expression:
    return sqlalchemy.literal_column(f"({text.as_string()})")


def _name(scratch: str, table: str) -> sql.Identifier:
    return sql.Identifier(scratch, table)


def _statement(name: str, /, **placeholders: sql.Composable) -> sql.Composed:
    return sql.SQL(query(name)).format(**placeholders)
