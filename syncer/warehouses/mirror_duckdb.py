"""DuckDB as a warehouse that keeps the snapshot of the last run: one transaction that makes a table, and reads it.

The table holds the very texts that would be staged, encoded, because a collation could take others for equal. Only
columns whose text DuckDB itself writes as it would be staged can be kept so: texts and whole numbers. No function of
DuckDB's writes, so a query in a transaction that may write is as harmless as in any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import pool

from syncer import errors, mirrors, models
from syncer.addresses import Address
from syncer.sql import query
from syncer.warehouses import arrow, base, dialects, drivers, duckdb, generic, mirror
from syncer.warehouses.columns import MAX_AUDIENCE
from syncer.warehouses.reading import GenericReading
from syncer.warehouses.words import Words

_BLANKS = "e' \\t\\r\\n\u00a0'"
_REPLACED = "\ufffd"


class DuckdbMirrors(generic.GenericWarehouse):
    """See `mirrors.Mirrors`. Has the file to itself while it is open."""

    def __init__(self, address: Address, connect_args: Mapping[str, object], waits: models.Waits, scratch: str) -> None:
        super().__init__(address, connect_args, waits)
        url = dialects.url(address)
        given = drivers.connect_args(url, dialects.connect_args(address, connect_args))
        self._engine = sqlalchemy.create_engine(
            url, connect_args={**given, "read_only": False}, poolclass=pool.NullPool, hide_parameters=True
        )
        self.scratch, self.place = scratch, self._words.place

    def names(self, table: str, sources: Sequence[models.Source]) -> Sequence[str]:  # noqa: ARG002
        """See `mirrors.Mirrors`. All sources are in one."""
        return [table]

    @contextmanager
    def opened(self, sources: Sequence[models.Source], key: int) -> Iterator[mirrors.Mirror]:
        """See `mirrors.Mirrors`."""
        with self._trying(sources, self.scratch, key) as opened:
            yield opened
            opened.commit()

    def drop(self, scratch: str, tables: Sequence[str]) -> Sequence[str]:
        """See `mirrors.Mirrors`."""
        gone = []
        for table in tables:
            try:
                with self._trying([mirror.PROBE], scratch) as opened:
                    opened.drop(table)
                    opened.commit()
            except errors.WarehouseError:
                continue
            gone.append(table)
        return gone

    def scratch_problems(self, sources: Sequence[models.Source]) -> list[str]:
        """See `mirrors.Mirrors`."""
        try:
            with self._trying([mirror.PROBE], self.scratch) as tried:
                for source in sources:
                    tried.members(source)
                name = mirror.probe_name()
                tried.create(name)
                return mirror.complaints(tried, name)
        except errors.WarehouseError as exc:
            return [base.problem("warehouse.scratch", exc)[1]]

    @contextmanager
    def _trying(self, sources: Sequence[models.Source], scratch: str, key: int = 0) -> Iterator["DuckdbMirror"]:
        opened = DuckdbMirror(self._engine, self._words, self._waits, sources=sources, scratch=scratch, key=key)
        try:
            opened.begin()
            yield opened
        finally:
            opened.close()


class DuckdbMirror(GenericReading):
    """See `mirrors.Mirror`. What it made is gone unless it is told to `commit`."""

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        words: Words,
        waits: models.Waits,
        *,
        sources: Sequence[models.Source],
        scratch: str,
        key: int,
    ) -> None:
        super().__init__(engine, words, waits)
        self._sources = sources
        self._scratch = scratch
        self._row_hash = query("warehouse_duckdb_row_hash").format(key=key)
        self._sums: dict[str, list[sqlalchemy.TableClause]] = {}

    def create(self, table: str) -> None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        members = "\nUNION ALL\n".join(self.members(source) for source in self._sources)
        self._do(f"CREATE TABLE {self._name(table)} AS\n{members}")

    def seal(self, table: str, rows: mirrors.Rows | None = None) -> str | None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        if not self._ask("warehouse_duckdb_find", schema=_literal(self._scratch), table=_literal(table)):
            return None
        if rows is None:
            found = self._ask("warehouse_duckdb_seal", table=self._name(table), row_hash=self._row_hash)
        else:
            found = self._added_up(table, rows)
        ((count, total),) = found
        return f"{count or 0} {total or 0}"

    def _added_up(self, table: str, rows: mirrors.Rows) -> list[Any]:
        """Puts the sums of its groups of users into private tables, and adds these up."""
        parts = list(mirror.sums_by_part(self._kept(table), len(self._sums), self._hashes(rows), rows))
        for sums, added in parts:
            self._ask("warehouse_duckdb_create_sums", table=_quoted(sums.name), sums=self._compiled(added))
        self._sums[table] = [sums for sums, _ in parts]
        return self._do(self._compiled(mirror.added_up(self._sums[table])))

    def rows(self, table: str) -> mirrors.Rows:
        """See `mirrors.Mirror`."""
        counted = self._compiled(mirror.rows_by_audience(self._kept(table)))
        return dict(self._ask("warehouse_duckdb_rows", counted=counted))

    def headcount(self, table: str) -> mirrors.Headcount:
        """See `mirrors.Mirror`."""
        name = self._name(table)
        users = self._ask("warehouse_duckdb_users", table=name)
        ((contacts,),) = self._ask("warehouse_duckdb_contacts", table=name, blanks=_BLANKS)
        return mirrors.Headcount(dict(users), int(contacts))

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
        group = query("warehouse_duckdb_group").format(groups=groups)
        users = query("warehouse_duckdb_users_hash").format(group=group)
        return mirror.Hashes(_expression(self._row_hash), _expression(group), _expression(users), groups)

    def drop(self, table: str) -> None:
        """Drops a table that may not be there."""
        self._do(f"DROP TABLE IF EXISTS {self._name(table)}")

    def commit(self) -> None:
        """Keeps what was made and dropped."""
        try:
            self._session.call(lambda connection: connection.commit())
        except Exception as exc:
            raise self._words.unconfirmed(exc) from exc

    def members(self, source: models.Source) -> str:
        """The statement for the members of a source as they are staged: a NUL cannot be, so its row is listed and not
        sent. Raises for columns whose text is not simply DuckDB's own."""
        if source.table is None:
            statement: Any = self._statement(source)
        else:
            statement, _ = self._table(source)
        shape = self._shape(source, statement)
        columns = base.pick_columns(source, shape.columns)
        _refuse_other_types(source, columns, dict(zip(shape.columns, map(str, shape.types), strict=True)))
        audience = _literal(source.audience_name or "") if columns.audience is None else _quoted(columns.audience)
        texts = {
            "audience": f"substr({audience}::VARCHAR, 1, {MAX_AUDIENCE})",
            "user_id": f"{_quoted(columns.user_id)}::VARCHAR",
            "email": f"{_quoted(columns.email)}::VARCHAR",
        }
        kept = [f"encode(replace({text}, chr(0), '{_REPLACED}')) AS {name}" for name, text in texts.items()]
        spoilt = " OR ".join(f"coalesce(contains({text}, chr(0)), false)" for text in texts.values())
        where = "" if columns.member is None else f"\nWHERE {_quoted(columns.member)}"
        inner = duckdb.text_of(self._dialect, statement)
        picked = f"SELECT {', '.join(kept)}, {spoilt} AS unsendable"
        return f"{picked} FROM (\n{inner}\n) AS members{where}"  # nosec B608 # the user's own query

    def _copied(self, statement: mirror.Statement) -> models.CopyStream:
        self._alone.check()
        text = query("warehouse_duckdb_copy").format(rows=self._compiled(statement))
        source = self._sources[0]
        try:
            blocks = self._session.call(lambda connection: arrow.lines(duckdb.relation(connection, text)))
        except Exception as exc:
            raise self._words.broken(source, exc) from exc
        return models.CopyStream(self._alone.guard(self._lines(source, blocks)), "csv")

    def _lines(self, source: models.Source, blocks: Iterator[arrow.Block]) -> Any:
        for block in self._each(source, blocks, lambda block: block.rows):
            self._rows += block.rows
            yield block.lines

    def _ask(self, name: str, **placeholders: str) -> list[Any]:
        return self._do(query(name).format(**placeholders))

    def _do(self, statement: str) -> list[Any]:
        """One statement of ours, and all that it answers."""

        def execute(connection: sqlalchemy.Connection) -> list[Any]:
            result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
            return [tuple(row) for row in result] if result.returns_rows else []

        try:
            return self._session.call(execute)
        except Exception as exc:
            raise self._words.broken(self._sources[0], exc) from exc

    def _kept(self, table: str) -> sqlalchemy.TableClause:
        return mirror.table(self._scratch, table)

    def _name(self, table: str) -> str:
        return f"{_quoted(self._scratch)}.{_quoted(table)}"

    def _compiled(self, statement: mirror.Statement) -> str:
        return str(statement.compile(dialect=self._dialect))


def _refuse_other_types(source: models.Source, columns: base.Columns, types: Mapping[str, str]) -> None:
    """Raises for columns whose text is not simply DuckDB's own."""
    texts = [name for name in (columns.audience, columns.user_id, columns.email) if name is not None]
    wrong = [name for name in texts if types[name] not in arrow.PLAIN]
    if columns.member is not None and types[columns.member] != "BOOLEAN":
        wrong.append(columns.member)
    if wrong:
        raise errors.WarehouseError(
            f"{source.path}: what changed is found by texts, whole numbers and a boolean, and"
            f" {', '.join(f'{name} is {types[name]}' for name in wrong)}; cast them in a query or a view"
        )


def _expression(text: str) -> mirror.Expression:
    return sqlalchemy.literal_column(f"({text})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
