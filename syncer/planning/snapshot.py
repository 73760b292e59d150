"""The snapshot: who is a member of what at the warehouse, as of one moment.

What the warehouse says is what its role sees in its own session. A plain membership table in the state's own database
is read where it is, if the state's session certainly sees the same there; everything else is staged, whole or not at
all. Where the warehouse itself found what changed (see `generations`), a part is staged: all rows of everybody of whom
anything can differ.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import psycopg
import psycopg.sql

from syncer import errors, mirrors, models, sql
from syncer.planning import staging, suppression, withholding
from syncer.state import Connection, Row, analyze, execute, fetch_all, fetch_value

# Classes of errors that are the state's also while the warehouse's table is read in its session: the connection, the
# transaction, room and memory, an administrator.
_OF_THE_STATE = ("08", "25", "40", "53", "57P")


STAGED = psycopg.sql.Identifier("snapshot_member")

_NOBODY = models.Exclusions()

_OF_A_PART = frozenset({"are_padded", "diff_members", "write_rest"})
"""The statements that say the same of a part as of the whole."""


class NotEnoughError(Exception):
    """A plan cannot be made from a part of the snapshot; the message says why."""


class Read(NamedTuple):
    """What of the snapshot's rows was read, and how much travelled; `because`: why everything was read."""

    read: Literal["everything", "changes"]
    because: str | None = None
    rows: int = 0
    size: int = 0


EVERYTHING = Read("everything")


@dataclass(frozen=True, slots=True)
class Part:
    """What is staged are the rows of those who moved since the snapshot of the run `run_id`, which is in `table`.

    `readings` say how its plan compared that, by destination. `rows` counts all rows of this snapshot by audience,
    `headcount` is of its users and contacts, if these cannot be counted by the differences.
    """

    run_id: int
    table: str
    readings: Mapping[int, str]
    rows: Mapping[str | None, int]
    headcount: mirrors.Headcount | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """The table at the warehouse that has this snapshot: see `generations`."""

    table: str
    seal: str
    sources: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A relation with audience, user_id, email and unsendable, and how statements read it, as `source`.

    `taken_at` is None where this transaction takes it. `table` is the warehouse's own, if it is read where it is, and
    `path` where the configuration names it: its errors come out as `WarehouseError`, and a statement that reads it
    takes no longer than one of the warehouse's reader may. `part`: it holds no more than that. `asked` are the
    statements that have read it. `reduced`: rows may have been taken out of it, which `taken_out` has. `suppressed`:
    how long each list of the suppressed is, whose rows are among them; None: there are no such lists. `grouped`: the
    statement `diff_members` reads only groups of it that moved (see `checksums`).
    """

    relation: psycopg.sql.Composable
    taken_at: datetime | None = None
    table: models.TableInState | None = None
    path: str | None = None
    read: Read = EVERYTHING
    part: Part | None = None
    generation: Generation | None = None
    asked: set[str] = field(default_factory=set)
    suppressed: Mapping[str, int] | None = None
    reduced: bool = False
    grouped: bool = False

    @property
    def everybody(self) -> "Snapshot":
        """The same with the rows that were taken out of it."""
        if not self.reduced:
            return self
        return replace(self, relation=psycopg.sql.SQL("(\n{}\n)").format(psycopg.sql.SQL(sql.query("all_members"))))

    @property
    def accepted(self) -> psycopg.sql.Composable:
        """SQL for what of the state `diff_members` compares with it."""
        if self.grouped:
            return psycopg.sql.SQL("(\n{}\n)").format(psycopg.sql.SQL(sql.query("moved_in_state")))
        if self.part is None:
            return psycopg.sql.Identifier("synced_member")
        return psycopg.sql.SQL("(\n{}\n)").format(psycopg.sql.SQL(sql.query("touched_in_state")))

    def parted(self) -> "Snapshot":
        """The same without the groups that did not move."""
        moved = psycopg.sql.SQL(sql.query("moved_in_snapshot")).format(source=self.relation)
        return replace(self, relation=psycopg.sql.SQL("(\n{}\n)").format(moved), grouped=True)

    def hold(self, connection: Connection) -> None:
        """Begins the transaction that reads the snapshot: until its end the table, if it is one, stays what it is.

        Raises `WarehouseError` if it is not what it was found to be, `NotEnoughError` if the part is none any more.
        """
        if self.part is not None:
            self._complete(connection, self.part)
        if self.table is None:
            return
        name = psycopg.sql.Identifier(self.table.schema, self.table.name)
        with self._reading(connection, "lock_table"):
            execute(connection, "lock_table", table=name)
            oid = fetch_value(connection, "find_locked_table", {"table": name.as_string(connection)})
            if not _may_read(connection, replace(self.table, oid=oid)):
                raise errors.WarehouseError(
                    f"{self.path}: somebody replaced the table, or changed its columns or its owner, while the run"
                    " began; nothing was sent, run it again"
                )

    def _complete(self, connection: Connection, part: Part) -> None:
        """Adds to what moved what was left of the plan before: with both, the part is all that can differ."""
        if not fetch_value(connection, "has_base_of", {"run_id": part.run_id, "scratch_table": part.table}):
            raise NotEnoughError("the snapshot of the run before was given up meanwhile")
        execute(connection, "create_touched_member")
        execute(connection, "create_snapshot_member")
        execute(connection, "fill_snapshot_part")
        analyze(connection, "touched_member", "snapshot_member")

    def execute(
        self,
        connection: Connection,
        name: str,
        parameters: Mapping[str, object] | None = None,
        **placeholders: psycopg.sql.Composable,
    ) -> psycopg.Cursor[Any]:
        """Executes the statement `name`, which reads the snapshot: see `state.execute`."""
        with self._reading(connection, name):
            return execute(connection, name, parameters or {}, source=self.relation, **placeholders)

    def fetch_all(
        self, connection: Connection, row: type[Row], name: str, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        """All rows of the statement `name`, each as a `row`: see `state.fetch_all`."""
        with self._reading(connection, name):
            return fetch_all(connection, row, name, parameters or {}, source=self.relation)

    def fetch_value(self, connection: Connection, name: str, parameters: Mapping[str, object] | None = None) -> Any:
        """The one value of the one row of the statement `name`: see `state.fetch_value`."""
        with self._reading(connection, name):
            return fetch_value(connection, name, parameters or {}, source=self.relation)

    @contextmanager
    def _reading(self, connection: Connection, name: str) -> Iterator[None]:
        if self.part is not None and name not in _OF_A_PART:
            raise NotEnoughError(f"the plan needs all rows, for {name}")
        self.asked.add(name)
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
    limits = {"statement": psycopg.sql.Literal(statement), "lock": psycopg.sql.Literal(lock)}
    execute(connection, "limit_statements", None, **limits)


@contextmanager
def take_snapshot(
    connection: Connection,
    warehouse: models.Warehouse,
    sources: Sequence[models.Source],
    ready: str | None,
    exclusions: models.Exclusions = _NOBODY,
) -> Iterator[Snapshot]:
    """The members as of one moment, without the `exclusions`; the query `ready`, if any, has to say that they can be
    read.

    Raises `WarehouseError` unless the snapshot is whole, `HeldError` unless the warehouse is ready.
    """
    found = in_place(connection, warehouse, sources, ready, exclusions)
    if found is not None:
        yield found
        return
    with staging.room(connection):
        yield staged(connection, warehouse, sources, ready, exclusions)


def in_place(
    connection: Connection,
    warehouse: models.Warehouse,
    sources: Sequence[models.Source],
    ready: str | None,
    exclusions: models.Exclusions = _NOBODY,
) -> Snapshot | None:
    """The snapshot where it is, if it may be read there, and nobody's rows have to be taken out of it. Raises as
    `take_snapshot` does."""
    if exclusions.any:
        return None
    table = _table_in_state(connection, warehouse, sources)
    if table is None:
        return None
    if ready is not None:
        with warehouse.reading() as reading:
            refuse_unready(reading, ready)
            reading.confirm()
    return Snapshot(_members(table, sources[0]), table=table, path=sources[0].path)


def staged(
    connection: Connection,
    warehouse: models.Warehouse,
    sources: Sequence[models.Source],
    ready: str | None,
    exclusions: models.Exclusions = _NOBODY,
) -> Snapshot:
    """The whole snapshot, copied into this session. Raises as `take_snapshot` does."""
    with warehouse.reading([*sources, *exclusions.suppressed]) as reading:
        if ready is not None:
            refuse_unready(reading, ready)
        travelled = staging.stage(connection, reading, ((reading.stream(source), source) for source in sources))
        if not exclusions.any:
            return Snapshot(STAGED, reading.snapshot_at, read=Read("everything", None, *travelled))
        execute(connection, "create_taken_out")
        lists = suppression.take_out(connection, reading, exclusions.suppressed)
        withholding.take_out(connection, exclusions)
        read = Read("everything", None, *travelled)
        return Snapshot(STAGED, reading.snapshot_at, read=read, suppressed=lists, reduced=True)


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


def refuse_unready(reading: models.Reading, ready: str) -> None:
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
