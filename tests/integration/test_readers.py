"""Whoever may read the history, and takes every lock that this allows for as long as they like, stops nothing."""

from collections.abc import Callable, Iterator

import psycopg
import psycopg.sql
import pytest

from syncer import errors, sql
from syncer.state import State, blocks, locks, migrations
from tests.world import World, members, truth

VIEWS = "SELECT relname FROM pg_class WHERE relnamespace = 'syncer'::regnamespace AND relkind = 'v'"


@pytest.fixture
def reader(world: World) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session that went home in the middle of a transaction on every view."""
    with psycopg.connect(world.state_url, application_name="a dashboard") as reader:
        for (view,) in reader.execute(VIEWS).fetchall():
            reader.execute(psycopg.sql.SQL("SELECT FROM {}").format(psycopg.sql.Identifier("syncer", str(view))))
        yield reader


@pytest.mark.usefixtures("reader")
def test_runs_that_make_a_part_of_every_table_do_not_wait_for_readers(world: World) -> None:
    world.warehouse.replace(members(3))
    first = world.sync().report
    assert (first.status, first.error) == ("succeeded", None)
    with world.state() as state:  # the next run is the first of another part of the history
        state.execute("SELECT setval('run_run_id_seq', %s, false)", [1 + blocks.RUNS])
    world.warehouse.replace(members(2))
    second = world.sync().report
    assert (second.status, second.run_id) == ("succeeded", 1 + blocks.RUNS)
    assert world.believed() == truth(members(2))


def test_whoever_keeps_a_table_from_being_changed_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They own the state, or it is a program that backs it up."""
    monkeypatch.setattr(locks, "SECONDS", 0.1)
    world.warehouse.replace(members(1))
    with psycopg.connect(world.state_url, application_name="a backup") as other:
        other.execute("LOCK TABLE syncer.synced_member IN SHARE MODE")
        done = world.command("sync")
        assert done.returncode == 6
        assert f"session {other.info.backend_pid} of role" in done.stderr
        assert "(a backup)" in done.stderr
    assert world.command("sync").returncode == 0


def test_a_migration_says_whom_it_waits_for(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    later = (*sql.migrations(), (2, "0002_change_something", "ALTER TABLE run ADD something text"))
    monkeypatch.setattr(sql, "migrations", lambda: later)
    monkeypatch.setattr(migrations, "WAIT_SECONDS", 0.1)
    with psycopg.connect(state.url, application_name="a dashboard") as reader:
        reader.execute("SELECT FROM syncer.sync_runs")
        with pytest.raises(errors.StateError, match=rf"session {reader.info.backend_pid} of role \w+ \(a dashboard\)"):
            migrations.migrate(state)
    assert [each.number for each in migrations.migrate(state)] == [2]


@pytest.mark.parametrize("step", ["lock_migrations", "create_schema_migration"])
def test_two_migrations_wait_for_one_another_and_not_for_ever(
    new_database: Callable[..., str], template: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "WAIT_SECONDS", 0.1)
    if step == "lock_migrations":
        later = (*sql.migrations(), (2, "0002_change_something", "ALTER TABLE run ADD something text"))
        monkeypatch.setattr(sql, "migrations", lambda: later)
        state = State(new_database(template), "syncer")
        begun = "LOCK TABLE syncer.schema_migration IN SHARE ROW EXCLUSIVE MODE"
    else:
        state = State(new_database(), "syncer")
        begun = "CREATE SCHEMA syncer"
    with psycopg.connect(state.url, application_name="another") as other:
        other.execute(begun)
        with pytest.raises(errors.StateError, match="keeps it locked"):
            migrations.migrate(state)
    assert migrations.migrate(state)
