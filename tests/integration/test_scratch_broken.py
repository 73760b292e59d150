"""Plans from what changed, broken on purpose: a story for each way, in which that makes another plan (see `Twice`)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy

from syncer.planning import generations, writing
from syncer.planning.snapshot import Snapshot
from syncer.receivers.loopback import Answer
from syncer.warehouses import mirror
from syncer.warehouses.mirror_postgres import PostgresMirror
from tests.integration.lives.twice import Different, Twice
from tests.world import VIP, World, members

pytestmark = pytest.mark.not_audited("what is broken tells what is wrong")

PEOPLE = [*members(5), (VIP, "u0001", "second@x.io")]


@pytest.fixture
def told(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world that was told of some people, of whom one has two addresses; its plans are made twice from now on. Users
    are compared a group at a time."""
    monkeypatch.setattr(mirror, "ROWS_A_GROUP", 1)
    monkeypatch.setattr(mirror, "GROUPS_A_PASS", 1)
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = 'scratch = "scratch"'
    world.warehouse.replace(PEOPLE)
    world.sync()
    Twice(monkeypatch).warehouse_url = world.warehouse.url
    return world


# --- the ways to break it, and what has to happen then to see it ---------------------------------------------------


def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plan did not tell, or what was refused, is forgotten."""
    real = Snapshot.execute

    def execute(snapshot: Snapshot, connection: Any, name: str, *more: Any, **placeholders: Any) -> Any:
        return None if name == "write_rest" else real(snapshot, connection, name, *more, **placeholders)

    monkeypatch.setattr(Snapshot, "execute", execute)


def rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are new travel, and not all rows of whom they are about."""
    real = mirror.moved

    def moved(now: Any, base: Any, *more: Any) -> Any:
        table, before = (f'{side.kept.schema}."{side.kept.name}"' for side in (now, base))
        names = ", ".join(column.name for column in now.kept.c)
        new = f"(SELECT {names} FROM {table} EXCEPT ALL SELECT {names} FROM {before}) AS new"
        columns: list[Any] = [sqlalchemy.column(column.name) for column in now.kept.c]
        everything = real(now, base, *more).subquery("everything")
        return sqlalchemy.union_all(
            sqlalchemy.select(*columns).select_from(sqlalchemy.text(new)),
            sqlalchemy.select(*everything.c).where(everything.c.unsendable.is_(None)),
        )

    monkeypatch.setattr(mirror, "moved", moved)


def other_hashes(monkeypatch: pytest.MonkeyPatch, change: Callable[[mirror.Hashes], mirror.Hashes]) -> None:
    real = PostgresMirror._hashes
    monkeypatch.setattr(PostgresMirror, "_hashes", lambda *asked: change(real(*asked)))


def groups_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are not of users: of somebody's rows only those travel that are in the group of one that moved."""
    place: Any = sqlalchemy.literal_column("CASE email WHEN 'second@x.io' THEN 1 WHEN 'third@x.io' THEN 2 ELSE 3 END")
    other_hashes(monkeypatch, lambda hashes: replace(hashes, users=place))


def only_compared(monkeypatch: pytest.MonkeyPatch, sums: tuple[str, ...]) -> None:
    real = mirror.uneven_groups

    def uneven(*asked: Any) -> Any:
        columns = ("users", *sums)
        some: list[Any] = [sqlalchemy.select(*(each.c[name] for name in columns)).subquery() for each in asked]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mirror, "_SUMS", sums)
            return real(*some)

    monkeypatch.setattr(mirror, "uneven_groups", uneven)


def groups_that_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is even if it has as many rows as before."""
    only_compared(monkeypatch, ("row_count",))


def groups_that_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is even if the hashes of its rows add up to the same: here, those who are new have the hash 0."""
    new: Any = sqlalchemy.literal_column("CASE WHEN user_id = 'new' THEN 0 ELSE 1 END")
    other_hashes(monkeypatch, lambda hashes: replace(hashes, row=new))
    only_compared(monkeypatch, ("total",))


def groups_as_they_were_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of the groups of the base are those of now, but for the seal that they add up to."""
    real = PostgresMirror.seal

    def seal(opened: PostgresMirror, table: str, rows: Any = None) -> str | None:
        found = real(opened, table, rows)
        opened._sums = dict.fromkeys(opened._sums, next(iter(opened._sums.values()), []))
        return found

    monkeypatch.setattr(PostgresMirror, "seal", seal)


def rows_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is there twice is the one that was there once."""
    real = mirror.moved

    def moved(*asked: Any) -> Any:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sqlalchemy.func, "sum", sqlalchemy.func.max, raising=False)
            return real(*asked)

    monkeypatch.setattr(mirror, "moved", moved)


def parts_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the groups of users, only the first part is compared."""
    real = mirror.moved

    def moved(now: Any, base: Any, *more: Any) -> Any:
        return real(now, base, *more) if base.sums.name.endswith("_0") else mirror.nameless(now.kept)

    monkeypatch.setattr(mirror, "moved", moved)


def turned_before_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run compares with this snapshot, whether or not a plan was made of it."""
    real = generations._compared

    def compared(connection: Any, request: Any, opened: Any, table: str, *more: Any, countable: bool) -> Snapshot:
        snapshot = real(connection, request, opened, table, *more, countable=countable)
        assert snapshot.generation is not None
        turned = "UPDATE base SET scratch_table = %s, seal = %s WHERE missing IS NULL"
        connection.execute(turned, [table, snapshot.generation.seal])
        return replace(snapshot, part=snapshot.part and replace(snapshot.part, table=table))

    monkeypatch.setattr(generations, "_compared", compared)


def without_a_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is there is trusted."""
    real = PostgresMirror.seal
    monkeypatch.setattr(PostgresMirror, "seal", lambda *asked: "there" if real(*asked) is not None else None)


def somebody_is_refused(world: World) -> None:
    world.warehouse.replace([*PEOPLE, (VIP, "new", "new@x.io")])
    world.receiver.script = lambda _: Answer(400, body=b'{"message":"not this one"}')
    world.sync()
    world.receiver.script = None


def somebody_comes(world: World) -> None:
    world.warehouse.replace([*PEOPLE, (VIP, "new", "new@x.io")])


def somebody_without_an_address_is_there_twice(world: World) -> None:
    nobody = (VIP, "u0002", None)
    world.warehouse.replace([*PEOPLE, nobody])
    world.sync()
    world.warehouse.replace([*PEOPLE, nobody, nobody])


def everybody_moves(world: World) -> None:
    world.warehouse.replace([(VIP, user, f"new-{email}") for _, user, email in PEOPLE])


def one_of_two_addresses_goes(world: World) -> None:
    world.warehouse.replace([*PEOPLE[:-1], (VIP, "u0001", "third@x.io")])


def a_plan_is_not_written(world: World) -> None:
    world.warehouse.replace(PEOPLE[1:])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "_write_run", lambda *_: 1 / 0)
        world.sync()


def somebody_alters_the_table(world: World) -> None:
    ((table,),) = world.query("SELECT scratch_table FROM base")
    with psycopg.connect(world.warehouse.url, autocommit=True) as connection:
        connection.execute(f"DELETE FROM scratch.{table} WHERE user_id = 'u0003'")
    world.warehouse.replace([row for row in PEOPLE if row[1] != "u0003"])


Breaks = Callable[[pytest.MonkeyPatch], None]
STORIES: list[tuple[Breaks, Callable[[World], None]]] = [
    (nothing_is_left, somebody_is_refused),
    (rows_alone, one_of_two_addresses_goes),
    (groups_of_rows, one_of_two_addresses_goes),
    (groups_that_are_counted, one_of_two_addresses_goes),
    (groups_that_are_not_counted, somebody_comes),
    (groups_as_they_were_sealed, somebody_comes),
    (rows_are_not_counted, somebody_without_an_address_is_there_twice),
    (parts_are_left_out, everybody_moves),
    (turned_before_the_plan, a_plan_is_not_written),
    (without_a_seal, somebody_alters_the_table),
]


@pytest.mark.parametrize(("breaks", "happens"), STORIES, ids=[breaks.__name__ for breaks, _ in STORIES])
def test_what_is_broken_makes_another_plan(
    told: World, monkeypatch: pytest.MonkeyPatch, breaks: Breaks, happens: Callable[[World], None]
) -> None:
    with monkeypatch.context() as broken:
        breaks(broken)
        told.sync()
        happens(told)
        with pytest.raises(Different):
            told.sync()


@pytest.mark.parametrize(
    "happens", {happens: None for _, happens in STORIES}, ids=lambda happens: str(happens.__name__)
)
def test_what_is_not_broken_makes_the_same_plan(told: World, happens: Callable[[World], None]) -> None:
    told.sync()
    happens(told)
    assert told.sync().report.status == "succeeded"
