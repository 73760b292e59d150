"""A reading of any database that keeps the snapshot of the last run: it makes tables, and compares them.

The database is asked for CREATE TABLE AS, SELECT and DROP TABLE only. Each source has a table of its own, with its rows
as they are, in the types that they have there: what is read of it becomes the same texts as what is read of the source.
What changed is found by keys of their bytes. All rows of a user in an audience have to be found together: so no
audience may come from two sources, and nobody is compared whose text has to be altered to be staged.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import sqlalchemy

from syncer import errors, mirrors, models
from syncer.warehouses import base, mirror, mirror_dialects, mirror_statements, tables, text, values
from syncer.warehouses.mirror_statements import Kept, Side, Statement
from syncer.warehouses.reading import GenericReading
from syncer.warehouses.words import Words


class _Sealed(NamedTuple):
    """What the rows of a table add up to. `shape` says of which types they are."""

    shape: str
    rows: int
    total: int


class GenericMirror(GenericReading):
    """See `mirrors.Mirror`. What it made stays."""

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        words: Words,
        waits: models.Waits,
        *,
        sources: Sequence[models.Source],
        scratch: str,
        facts: mirror_dialects.Facts,
    ) -> None:
        super().__init__(engine, words, waits, facts.begin)
        self._sources = sources
        self._scratch = scratch
        self._facts = facts
        self._seals: dict[str, Sequence[_Sealed]] = {}
        self._sums: dict[str, Sequence[sqlalchemy.TableClause]] = {}

    def look_at_sources(self) -> None:
        """Raises what keeps a table from being made of a source."""
        for source in self._sources:
            self._described(source, f"{self._selected(source)}\nWHERE 1 = 0")

    def create(self, table: str) -> None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        for index, source in enumerate(self._sources):
            selected = self._selected(source)
            wanted = self._alike(self._described(source, f"{selected}\nWHERE 1 = 0"))
            self._make(source, table_name(table, index), selected)
            if self._alike(self._described(source, mirror_statements.nothing(self._kept(table)[index]))) != wanted:
                raise errors.WarehouseError(
                    f"{source.path}: this database makes a table of other types of its columns; cast them in a query or"
                    " a view"
                )
        if len(self._sources) > 1:
            self.rows(table)

    def seal(self, table: str, rows: mirrors.Rows | None = None) -> str | None:
        """See `mirrors.Mirror`."""
        self._alone.check()
        kept = self._kept(table)
        try:
            if rows is None:
                adding = [mirror_statements.seal(self._facts, each) for each in kept]
            else:
                adding = self._added_up(table, kept, mirror.user_groups(rows))
            seals = [self._sealed(each, asked) for each, asked in zip(kept, adding, strict=True)]
        except errors.WarehouseError:
            with suppress(Exception):  # some databases answer nothing more in a failed transaction
                self._session.call(lambda connection: connection.rollback())
            return None
        self._seals[table] = seals
        return " ".join(f"{seal.shape}:{seal.rows}:{seal.total}" for seal in seals)

    def rows(self, table: str) -> mirrors.Rows:
        """See `mirrors.Mirror`."""
        found: dict[str | None, int] = {}
        for kept in self._kept(table):
            counted = self._rows_of(kept)
            if found.keys() & counted.keys():
                raise errors.WarehouseError(
                    f"{kept.source.path}: it names an audience that another source has rows of, too, so what changed"
                    " cannot be found; let each audience have one source"
                )
            found.update(counted)
        return found

    def headcount(self, table: str) -> mirrors.Headcount:
        """See `mirrors.Mirror`."""
        users: dict[str, int] = {}
        every = []
        for kept in self._kept(table):
            condition = self._yes(kept)
            alike = self._alike(self._described(kept.source, mirror_statements.nothing(kept)))
            for *audience, count in self._answers(kept, mirror_statements.users(self._facts, kept, condition)):
                row = [*audience, *[None] * (len(kept.names) - len(audience))]
                (named,) = self._texts(kept, [values.converted(row, alike)])
                if named.audience is not None:
                    users[named.audience] = users.get(named.audience, 0) + int(count)
            every.append(mirror_statements.contacts(self._facts, kept, condition))
        (contacts,) = self._answer(kept, mirror_statements.different(self._facts, every))
        return mirrors.Headcount(users, int(contacts))

    def whole(self, table: str) -> models.RowStream:
        """See `mirrors.Mirror`."""
        self._alone.check()
        return models.RowStream(self._alone.guard(self._everything(table)))

    def moved(self, table: str, base: str | None, rows: mirrors.Rows) -> Iterator[models.RowStream]:
        """See `mirrors.Mirror`."""
        self._alone.check()
        yield models.RowStream(self._alone.guard(self._changes(table, base, mirror.user_groups(rows))))

    def drop(self, table: str) -> bool:
        """Drops a table that may not be there; returns whether it certainly is not, then."""
        try:
            self._do(self._sources[0], f"DROP TABLE IF EXISTS {self._named(table)}")
        except errors.WarehouseError:
            return False
        return True

    def _added_up(self, table: str, kept: Sequence[Kept], groups: int) -> list[Statement]:
        """Makes tables of the sums of the groups of users; returns what adds these up, source by source."""
        first, number = next(iter(self._sums), table), len(self._sums)
        made = []
        for index, each in enumerate(kept):
            name = sums_name(first, index, number)
            asked = mirror_statements.sums(self._facts, each, groups, self._parts_of(groups))
            self._make(each.source, name, tables.text_of(self._dialect, asked))
            made.append(mirror.sums_table(self._clause(name).name))
        self._sums[table] = made
        return [mirror.added_up([sums], self._facts.exact) for sums in made]

    def _parts_of(self, groups: int) -> Sequence[range]:
        return mirror.parts(groups, groups, self._facts.groups_a_pass or groups)

    def _everything(self, table: str) -> Generator[models.MemberRow, None, None]:
        for kept, seal in zip(self._kept(table), self._seals[table], strict=True):
            read = 0
            for rows in self._streamed(kept, mirror_statements.whole(kept)):
                read += len(rows)
                yield from self._members_in(kept, rows)
            _refuse_cut_off(kept, read, seal.rows)

    def _changes(self, table: str, before: str | None, groups: int) -> Generator[models.MemberRow, None, None]:
        for index, (kept, seal) in enumerate(zip(self._kept(table), self._seals[table], strict=True)):
            for rows in self._counted(kept, mirror_statements.nameless(kept)):
                yield from self._members_in(kept, rows)
            if before is None or self._seals[before][index] == seal:
                continue
            if self._seals[before][index].shape != seal.shape:
                raise errors.WarehouseError(
                    f"{kept.source.path}: its columns are of other types than for the run before, so what changed"
                    " cannot be found"
                )
            # An aggregate may have another type than its column.
            alike = self._alike(self._described(kept.source, mirror_statements.nothing(kept)))
            other = self._kept(before)[index]
            now, then = Side(kept, self._sums[table][index]), Side(other, self._sums[before][index])
            for some in self._parts_of(groups):
                asked = mirror_statements.moved(self._facts, now, then, groups, some)
                for rows in self._counted(kept, asked):
                    yield from self._of_who_moved(kept, [values.converted(row, alike) for row in rows])

    def _of_who_moved(self, kept: Kept, rows: Sequence[Any]) -> Iterator[models.MemberRow]:
        """Of rows of both tables, with the number that each of them has: those of now, and who it is about."""
        named = self._texts(kept, [row[: len(kept.names)] for row in rows])
        who = dict.fromkeys((each.audience, each.user_id) for each in named)
        self._rows += len(who)
        yield from (models.MemberRow(*each, None, None) for each in who)
        yield from self._members_in(kept, [row for row in rows for _ in range(int(row[len(kept.names)]))])

    def _members_in(self, kept: Kept, rows: Sequence[Any]) -> list[models.MemberRow]:
        """The members in some rows, as a reading of the source would hand them over."""
        plain = [row[: len(kept.names)] for row in rows]
        found = self._texts(kept, plain)
        if kept.source.member is not None:
            found = text.members(plain, kept.source, _places(kept, "member"))
        self._rows += len(found)
        return found

    def _texts(self, kept: Kept, rows: Sequence[Sequence[Any]]) -> list[models.MemberRow]:
        """The texts of rows, whether or not they are those of members. Two users of one text could not be told apart
        if it was altered: then everything has to be read."""
        places = _places(kept)
        found = text.members(rows, kept.source, places)
        at = [(places.user_id, "user_id"), *([] if places.audience is None else [(places.audience, "audience")])]
        for row, member in zip(rows, found, strict=True):
            if any(not _is_itself(row[place], getattr(member, name)) for place, name in at):
                raise errors.WarehouseError(
                    f"{kept.source.path}: a user id or the name of an audience is a floating number, or holds what no"
                    " text can hold (NUL, broken Unicode), or the name is too long, so what changed cannot be found"
                )
        return found

    def _rows_of(self, kept: Kept) -> dict[str | None, int]:
        found: dict[str | None, int] = {}
        asked = [name for name in kept.names if name in ("audience", "member")]
        alike = self._alike(self._described(kept.source, mirror_statements.nothing(kept)))
        for *named, count in self._answers(kept, mirror_statements.rows(self._facts, kept)):
            given = dict(zip(asked, named, strict=True))
            row = values.converted([given.get(name) for name in kept.names], alike)
            for member in text.members([row], kept.source, _places(kept, "member")):
                found[member.audience] = found.get(member.audience, 0) + int(count)
        return {audience: count for audience, count in found.items() if count}

    def _yes(self, kept: Kept) -> mirror_statements.Condition | None:
        """Which rows are members'; None if all are."""
        if kept.source.member is None:
            return None
        found = [value for (value,) in self._answers(kept, mirror_statements.member_values(self._facts, kept))]
        rows = [[value if name == "member" else None for name in kept.names] for value in found]
        said = [value for value, row in zip(found, rows, strict=True) if self._is_member(kept, row)]
        return mirror_statements.yes(kept, said)

    def _is_member(self, kept: Kept, row: Sequence[Any]) -> bool:
        return bool(text.members([row], kept.source, _places(kept, "member")))

    def _sealed(self, kept: Kept, adding: Statement) -> _Sealed:
        """What the rows of a table add up to, as a statement says that adds them up."""
        columns = self._described(kept.source, mirror_statements.nothing(kept))
        described: list[Any] = [(str(column[1]), str(column[5])) for column in columns]
        if self._facts.type_of is not None:
            described.append(tuple(self._answer(kept, mirror_statements.types(kept, self._facts.type_of))))
        rows, total = self._answer(kept, adding)
        shape = hashlib.sha256(repr(described).encode()).hexdigest()[:12]
        return _Sealed(shape, int(rows or 0), int(total or 0))

    def _described(self, source: models.Source, statement: str | Statement) -> Sequence[Sequence[Any]]:
        """What the driver says of the columns of a statement without rows."""
        result = self._run(source, statement)
        columns = list(result.cursor.description or ())
        self._session.end(result)
        return columns

    def _alike(self, columns: Sequence[Sequence[Any]]) -> Mapping[int, values.Convert]:
        """What has to be done with the values of columns of these types."""
        return values.conversions(self._dialect.name, columns)

    def _answer(self, kept: Kept, statement: Statement) -> Sequence[Any]:
        """The row of a statement that gives one."""
        ((row,),) = self._all(kept.source, statement)
        return row

    def _answers(self, kept: Kept, statement: Statement) -> list[Any]:
        """All rows of a statement that gives few, and says with each how many there are."""
        return [row[:-1] for rows in self._counted(kept, statement) for row in rows]

    def _streamed(self, kept: Kept, statement: Statement) -> Iterator[Any]:
        result = self._run(kept.source, statement)
        yield from self._partitions(kept.source, result)
        self._session.end(result)

    def _counted(self, kept: Kept, statement: Statement) -> Iterator[Any]:
        """The rows of a statement that says with each how many there are."""
        read = said = 0
        for rows in self._streamed(kept, statement):
            read, said = read + len(rows), int(rows[0][-1])
            yield rows
        _refuse_cut_off(kept, read, said)

    def _make(self, source: models.Source, name: str, rows: str) -> None:
        """A table of what a statement about a source gives."""
        named = " ".join(filter(None, (self._named(name), self._facts.kind)))
        self._do(source, f"CREATE TABLE {named} AS\n{rows}")

    def _do(self, source: models.Source, statement: str) -> None:
        """One statement that makes or drops a table."""

        def execute(connection: sqlalchemy.Connection) -> None:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).close()
            connection.commit()

        try:
            self._session.call(execute)
        except Exception as exc:
            raise self._words.broken(source, exc) from exc

    def _selected(self, source: models.Source) -> str:
        """The statement for the rows of a source, under our names; a condition may follow it."""
        if source.table is None:
            query = self._statement(source)
            names = self._keys(source, f"SELECT * FROM (\n{query}\n) q WHERE 1 = 0")  # nosec B608 # the user's own query
            columns, inner = base.pick_columns(source, names), f"(\n{query}\n) q"
        else:
            _, columns = self._table(source)
            inner = self._written(base.split_table(source))
        real = {"audience": columns.audience, "user_id": columns.user_id, "email": columns.email}
        real["member"] = columns.member
        picked = [
            f"{tables.named(self._dialect, base.TablePart(real[name] or '', quoted=False))} AS {name}"
            for name in mirror_statements.names(source)
        ]
        return f"SELECT {', '.join(picked)} FROM {inner}"  # nosec B608 # names in quotes, and the user's own query

    def _kept(self, table: str) -> list[Kept]:
        return [
            Kept(
                source,
                sqlalchemy.table(
                    self._clause(table_name(table, index)).name,
                    *map(sqlalchemy.column, mirror_statements.names(source)),
                ),
            )
            for index, source in enumerate(self._sources)
        ]

    def _clause(self, name: str) -> sqlalchemy.TableClause:
        """A table in the scratch schema."""
        return tables.clause(self._dialect, self._parts(name))

    def _named(self, table: str) -> str:
        return self._written(self._parts(table))

    def _written(self, parts: Sequence[base.TablePart]) -> str:
        """The name of a table in a statement without parameters."""
        return ".".join(tables.named(self._dialect, part) for part in parts)

    def _parts(self, table: str) -> list[base.TablePart]:
        place = models.Source(path="warehouse.scratch", user_id="", email="", table=self._scratch)
        return [*base.split_table(place), base.TablePart(table, quoted=False)]


def table_name(table: str, index: int) -> str:
    """Of the table that the source of this index has in a snapshot."""
    return f"{table}_{index}"


def sums_name(table: str, index: int, number: int) -> str:
    """Of the table that has the sums of one, or of the other, table of a source, while a snapshot of this name is
    compared. It does not begin with that name, so it is needed no more as soon as the plan is made."""
    return f"sums_{table}_{index}_{number}"


def _is_itself(value: object, said: str | None) -> bool:
    """Whether a value is staged as the text that it has: engines write floating numbers in more than one way."""
    return value is said or (said is not None and not isinstance(value, float) and text.text_of(value) == said)


def _places(kept: Kept, *more: str) -> text.Places:
    """Where the columns stand in a row; the member column only if it is wanted."""
    at = {name: index for index, name in enumerate(kept.names)}
    member = at.get("member") if "member" in more else None
    return text.Places(at.get("audience"), at["user_id"], at["email"], member, None, {})


def _refuse_cut_off(kept: Kept, read: int, said: int) -> None:
    if read != said:
        raise errors.WarehouseError(
            f"{kept.source.path}: of {said} rows in the scratch table {read} arrived; lift the limit that the server,"
            " this user or a proxy has for results"
        )
