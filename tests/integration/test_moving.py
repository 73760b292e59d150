"""A whole state moves into an empty one, or nothing does."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncer import errors, sql
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State, leadership, migrations, moving
from tests.acceptance.worlds import EmbeddedWorld
from tests.world import World, Write

MEMBERS = [("VIP", str(n), f"person{n}@example.com") for n in range(120)]

VACUUMED = ["autovacuum_vacuum_scale_factor=0.05"]


def contents(state: State) -> dict[str, list[Any]]:
    """Every row of every table as text."""
    with state.connect("test") as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
            " AND relname NOT IN ('leader', 'schema_migration')"
        ).fetchall()
        return {name: sorted(connection.execute(f'SELECT t::text FROM "{name}" AS t').fetchall()) for (name,) in tables}


@pytest.fixture
def target(new_database: Callable[..., str], template: str) -> State:
    return State(new_database(template), "syncer")


@pytest.fixture
def used(world: World) -> World:
    """A state with members, leavers, refused ones and two runs."""
    world.warehouse.replace(MEMBERS)
    world.sync()
    world.warehouse.replace([*MEMBERS[10:], ("Lapsed", "7", "person7@example.com"), ("VIP", "x", None)])
    world.sync()
    return world


def goes_on(world: World) -> None:
    """History = state = warehouse, nothing is due, and what changes goes out under a new number of run."""
    assert world.verify().differences == 0
    calls = len(world.receiver.requests)
    world.sync()
    assert len(world.receiver.requests) == calls
    world.warehouse.replace(MEMBERS[11:])
    world.sync()
    assert len(world.receiver.requests) > calls
    assert world.verify().differences == 0


def test_a_state_moves_from_url_to_url_and_goes_on_there(used: World, target: State) -> None:
    source = State(used.state_url, "syncer")
    before = contents(source)
    moved = moving.move(source, target)
    assert contents(target) == before
    assert contents(source) == before
    assert moved["synced_member"] == 111
    with target.connect("test") as connection:
        tables = connection.execute("SELECT relname FROM pg_class WHERE reloptions = %s", [VACUUMED]).fetchall()
    assert {"synced_member_1", "told_false_1"} <= {name for (name,) in tables}
    used.state_url = target.url
    goes_on(used)


def test_an_embedded_state_moves_to_a_server(
    new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path
) -> None:
    embedded = EmbeddedWorld(tmp_path, Write(new_database()), "", receiver)
    embedded.warehouse.replace(MEMBERS)
    assert embedded.command("sync").returncode == 0
    server = World(tmp_path, embedded.warehouse, new_database(), receiver)
    done = server.command("migrate", "--from", str(embedded.data_dir))
    assert done.returncode == 0, done.stderr
    assert "moved" in done.stderr
    goes_on(server)


def test_a_state_in_use_is_not_overwritten(used: World, target: State) -> None:
    moving.move(State(used.state_url, "syncer"), target)
    before = contents(target)
    with pytest.raises(errors.ConfigError, match="only be moved into an empty one"):
        moving.move(State(used.state_url, "syncer"), target)
    assert contents(target) == before


def test_a_state_is_not_moved_onto_itself(used: World) -> None:
    source = State(used.state_url, "syncer")
    before = contents(source)
    with pytest.raises(errors.ConfigError, match="only be moved into an empty one"):
        moving.move(source, source)
    assert contents(source) == before


@pytest.mark.parametrize("busy", ["source", "target"])
def test_nobody_syncs_meanwhile(used: World, target: State, busy: str) -> None:
    source = State(used.state_url, "syncer")
    empty = contents(target)
    held = {"source": source, "target": target}[busy]
    locked, done = threading.Event(), threading.Event()

    def sync() -> None:
        with held.connect("test") as connection, leadership.lead(held, connection):
            locked.set()
            done.wait(60)

    syncing = threading.Thread(target=sync)
    syncing.start()
    try:
        assert locked.wait(60)
        with pytest.raises(errors.SyncLockedError) as refused:
            moving.move(source, target)
    finally:
        done.set()
        syncing.join(60)
    assert refused.value.exit_code == 4
    assert contents(target) == empty


def test_a_move_that_is_cut_off_leaves_the_target_empty(
    used: World, target: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = State(used.state_url, "syncer")
    empty = contents(target)
    copy_table = moving._copy_table

    def cut(here: Any, there: Any, table: Any) -> int:
        rows = copy_table(here, there, table)
        if table.name == "synced_member":
            with psycopg.connect(target.url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 10000)", [there.info.backend_pid])
        return rows

    with monkeypatch.context() as broken:
        broken.setattr(moving, "_copy_table", cut)
        with pytest.raises(errors.StateError):
            moving.move(source, target)
    assert contents(target) == empty
    moving.move(source, target)
    used.state_url = target.url
    goes_on(used)


def test_a_source_of_another_version_is_refused_with_the_way_out(
    used: World, target: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (*sql.migrations(), (2, "0002_add_something", "CREATE TABLE something ()"))
    monkeypatch.setattr(sql, "migrations", lambda: later)
    migrations.migrate(target)
    with pytest.raises(errors.SchemaVersionError, match=r"--from: .* behind"):
        moving.move(State(used.state_url, "syncer"), target)


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("mysql://u:sw0rdfish@db/x", "must be PostgreSQL"),
        ("${NOT_SET}", "NOT_SET"),
        ("nowhere", "neither a PostgreSQL URL nor a folder"),
        (__file__, "neither a PostgreSQL URL nor a folder"),
        ("x" * 5000, "neither a PostgreSQL URL nor a folder"),
    ],
)
def test_what_is_no_state_is_refused_by_its_place(world: World, origin: str, words: str) -> None:
    done = world.command("migrate", "--from", origin)
    assert done.returncode == 2
    assert "--from" in done.stderr
    assert words in done.stderr
    assert "sw0rdfish" not in done.stderr
