"""A warehouse that keeps the snapshot of the last run: what may become of its tables, and of a run among them."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from syncer.planning import generations
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from syncer.warehouses import mirror, mirror_postgres
from syncer.warehouses.mirror_postgres import PostgresMirror
from tests.acceptance.worlds import FileWrite
from tests.engines.mirror_contract import UNUSABLE, read
from tests.integration.scratch_kills import PLANNING, SWEEPING, survive
from tests.integration.test_scratch import SCRATCH, base_of, kept, settled, tables
from tests.world import CHURN, VIP, World, Write, members, truth

__all__ = ["kept", "settled"]

AT_THE_WAREHOUSE = (
    "warehouse_create_members",
    "warehouse_fill_members",
    "warehouse_create_scratch",
    "warehouse_analyze_scratch",
    "warehouse_create_sums",
    "warehouse_seal_of_sums",
    "warehouse_drop_scratch",
)


def test_a_run_may_be_killed_anywhere_among_the_tables(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.warehouse.run("ALTER TABLE members ENABLE ROW LEVEL SECURITY")
    survive(kept, monkeypatch, [*PLANNING, *SWEEPING, *AT_THE_WAREHOUSE])


def test_a_change_that_the_warehouse_missed_is_found_by_counting_the_users(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "RECOUNTED_EVERY", 1)
    settled.sync()
    assert read(settled) == ("changes", None, 0)
    monkeypatch.setattr(mirror, "moved", lambda now, *_: mirror.nameless(now.kept))
    rows = members(49, VIP, CHURN)
    settled.warehouse.replace(rows)

    settled.sync()

    because = "the warehouse has other users in 2 audiences than its changes make up: its table of the run before was"
    assert read(settled) == ("everything", f"{because} wrong, or changes were missed", 98)
    assert settled.believed() == truth(rows)
    settled.sync()
    assert read(settled) == ("changes", None, 0)


def test_what_moved_is_found_in_memory(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sorted, or joined in the order of both sides, goes to files as large as the tables."""
    plans: list[str] = []
    real = PostgresMirror._copied

    def copied(opened: PostgresMirror, statement: mirror.Statement) -> Any:
        explained = opened._connection.execute(sql.SQL("EXPLAIN ") + mirror_postgres._compiled(statement))
        plans.append("\n".join(str(line) for (line,) in explained.fetchall()))
        return real(opened, statement)

    monkeypatch.setattr(PostgresMirror, "_copied", copied)
    settled.warehouse.replace(members(49, VIP, CHURN))
    settled.sync()

    assert read(settled) == ("changes", None, 2)
    _, plan = plans
    assert "HashAggregate" in plan
    assert not any(word in plan for word in ("Sort", "Merge", "Nested Loop", "GroupAggregate"))


def test_the_rows_of_a_table_are_hashed_once(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = psycopg.Connection.execute

    def execute(connection: Any, statement: Any, *more: Any, **options: Any) -> Any:
        asked.append(statement.as_string() if isinstance(statement, sql.Composed) else str(statement))
        return real(connection, statement, *more, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    settled.warehouse.replace(members(49, VIP, CHURN))
    settled.sync()

    assert read(settled) == ("changes", None, 2)
    assert sum("coalesce(email" in statement for statement in asked) == 2


def test_users_are_counted_now_and_then(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    real = PostgresMirror.headcount

    def count(opened: PostgresMirror, table: str) -> Any:
        counted.append(table)
        return real(opened, table)

    monkeypatch.setattr(PostgresMirror, "headcount", count)
    for _ in range(generations.RECOUNTED_EVERY):
        settled.sync()
    assert len(counted) == 1


def test_the_tables_of_another_schema_of_before_are_dropped_there(settled: World) -> None:
    before = tables(settled.warehouse)
    settled.warehouse.run("CREATE SCHEMA other")
    settled.warehouse_extra = 'scratch = "other"'
    settled.sync()
    assert read(settled)[0] == "everything"
    settled.sync()
    assert read(settled) == ("changes", None, 0)
    assert tables(settled.warehouse) == set()
    assert before.isdisjoint(settled.query("SELECT name FROM scratch_table")[0])


@pytest.fixture
def moved(settled: World, new_database: Callable[..., str]) -> tuple[World, Write]:
    """A world whose warehouse is another database by now, and the one of before."""
    before = settled.warehouse
    url = sqlalchemy.make_url(new_database("template0"))
    settled.warehouse = Write(url.render_as_string(hide_password=False))
    settled.warehouse.witness = before.witness
    settled.warehouse.run("CREATE SCHEMA scratch")
    settled.warehouse.replace(members(50, VIP, CHURN))
    return settled, before


def test_tables_that_another_database_has_are_named_until_they_are_dropped(moved: tuple[World, Write]) -> None:
    world, before = moved
    left = base_of(world)
    for _ in range(2):
        world.sync()
        assert tables(before) == {left}
    assert read(world) == ("changes", None, 0)
    said = " ".join(world.command("check").stderr.split())
    assert "tables with the rows of members were left in the postgresql database" in said
    assert f"where no run drops them by now: scratch.{left}; drop them there" in said

    now, world.warehouse = world.warehouse, before
    world.sync()
    assert left not in tables(before)
    world.warehouse = now
    world.sync()
    world.sync()


def test_without_the_key_check_names_the_tables_and_forgetting_drops_them(settled: World) -> None:
    left = base_of(settled)
    settled.warehouse_extra = ""
    settled.sync()
    assert f"scratch.{left}" in settled.command("check").stderr
    assert settled.command("forget", "u0001", "--yes").returncode == 0
    assert tables(settled.warehouse) == set()
    assert "tables with the rows of members" not in settled.command("check").stderr


def test_check_says_what_runs_read(world: World, world_in_one_database: World) -> None:
    assert "note: warehouse.scratch: runs read everything: it is not set" in world.command("check").stderr
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = SCRATCH
    assert "note: warehouse.scratch: runs read what changed" in world.command("check").stderr
    assert "warehouse.scratch" not in world_in_one_database.command("check").stderr


def test_sqlite_keeps_no_snapshots(tmp_path: Path, state: State, receiver: SegmentReceiver) -> None:
    file = tmp_path / "warehouse.db"
    write = FileWrite(f"sqlite:///{file}", lambda: sqlite3.connect(file))
    world = World(tmp_path, write, state.url, receiver)
    assert "runs read everything: this version cannot compare in sqlite" in world.command("check").stderr
    world.warehouse_extra = SCRATCH
    checked = world.command("check")
    assert (checked.returncode, "warehouse.scratch: this version cannot" in checked.stderr) == (2, True)


def test_check_says_that_everything_is_read_where_the_schema_cannot_be_used(settled: World) -> None:
    settled.warehouse.run("DROP SCHEMA scratch CASCADE")
    said = " ".join(settled.command("check").stderr.split())
    assert "runs read everything until what is wrong there is put right" in said
    assert "runs read what changed" not in said


def test_a_right_that_is_revoked_between_runs_means_that_everything_is_read(settled: World) -> None:
    """And the tables of before go once it is given back."""
    with psycopg.connect(settled.warehouse.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS scratch_reader")
        connection.execute("CREATE ROLE scratch_reader LOGIN PASSWORD 'secret'")
        connection.execute(
            "GRANT SELECT ON members TO scratch_reader; GRANT USAGE, CREATE ON SCHEMA scratch TO scratch_reader"
        )
        url = sqlalchemy.make_url(settled.warehouse.url).set(username="scratch_reader", password="secret")
        settled.warehouse = settled.warehouse.through(url.render_as_string(hide_password=False))
        try:
            settled.sync()
            settled.sync()
            assert read(settled) == ("changes", None, 0)
            connection.execute("REVOKE USAGE, CREATE ON SCHEMA scratch FROM scratch_reader")
            settled.sync()
            assert read(settled) == ("everything", UNUSABLE, 100)
            assert "permission denied for schema scratch" in " ".join(settled.command("check").stderr.split())
            connection.execute("GRANT USAGE, CREATE ON SCHEMA scratch TO scratch_reader")
            settled.sync()
            settled.sync()
            assert read(settled) == ("changes", None, 0)
        finally:
            connection.execute("DROP OWNED BY scratch_reader")
            connection.execute("DROP ROLE scratch_reader")
