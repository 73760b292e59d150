"""A warehouse that keeps the snapshot of the last run: what changed travels, and any doubt means that all does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncer import errors, sql
from syncer.planning import writing
from syncer.receivers.loopback import Answer
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from syncer.warehouses.mirror_postgres import PostgresMirrors
from tests.engines.mirror_contract import ALTERED, EMPTY, UNUSABLE, changes_travel, read
from tests.world import CHURN, SAME_HASH, VIP, World, Write, assert_held, members, truth

SCRATCH = 'scratch = "scratch"'


@pytest.fixture
def kept(world: World) -> World:
    """A world whose warehouse has a scratch schema."""
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = SCRATCH
    return world


@pytest.fixture
def settled(kept: World) -> World:
    """One that has told 50 people of two audiences, and can go on with what changes."""
    kept.warehouse.replace(members(50, VIP, CHURN))
    kept.sync()
    assert read(kept) == ("everything", EMPTY, 100)
    return kept


def tables(write: Write) -> set[str]:
    """The tables in the scratch schema."""
    with psycopg.connect(write.url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'scratch'")
        return {name for (name,) in found.fetchall()}


def base_of(world: World) -> str | None:
    ((name,),) = world.query("SELECT scratch_table FROM base")
    return None if name is None else str(name)


def test_what_changed_travels_and_nothing_else(settled: World) -> None:
    changes_travel(settled)
    assert settled.verify().differences == 0


def test_nobody_can_choose_an_address_that_adds_up_to_the_same(settled: World) -> None:
    for email in SAME_HASH:
        settled.warehouse.replace([*members(50, VIP, CHURN), (VIP, "u7", email)])
        settled.sync()
        assert read(settled)[0] == "changes"
        assert settled.believed() == truth([*members(50, VIP, CHURN), (VIP, "u7", email)])


def test_one_table_stays_at_the_warehouse(settled: World) -> None:
    settled.sync()
    assert tables(settled.warehouse) == {base_of(settled)}
    assert settled.query("SELECT name FROM scratch_table") == [(base_of(settled),)]


def test_a_change_that_a_destination_refused_is_planned_again(settled: World) -> None:
    rows = [*members(50, VIP, CHURN), (VIP, "new", "new@x.io")]
    settled.warehouse.replace(rows)
    with refusing(settled, "new@x.io"):
        settled.sync()
    assert settled.query("SELECT user_id FROM rest_member") == [("new",)]

    settled.sync()

    assert read(settled) == ("changes", None, 0)
    assert settled.believed() == truth(rows)


@contextmanager
def refusing(world: World, *contacts: str) -> Iterator[None]:
    def answer(request: Any) -> Any:
        refused = any(event["traits"]["email"] in contacts for event in request.events)
        return Answer(400, body=b'{"message":"not this one"}') if refused else None

    world.receiver.script = answer
    yield
    world.receiver.script = None


def test_an_empty_warehouse_is_held_although_nothing_is_read_of_it(settled: World) -> None:
    settled.warehouse.replace([])
    result = settled.sync()
    assert read(settled)[0] == "changes"
    assert_held(result)
    assert {reason for (reason,) in settled.query("SELECT reason FROM held_changes")} == {"the whole snapshot is empty"}

    assert_held(settled.sync())
    assert read(settled) == ("changes", None, 0)


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TABLE scratch.{}",
        "TRUNCATE scratch.{}",
        "UPDATE scratch.{} SET email = 'other@x.io' WHERE user_id = 'u0007'",
        "UPDATE scratch.{0} SET user_id = CASE user_id WHEN 'u0007' THEN 'u0008' ELSE 'u0007' END"
        " WHERE user_id IN ('u0007', 'u0008')",
        "ALTER TABLE scratch.{} DROP COLUMN email",
        "ALTER TABLE scratch.{} RENAME TO something_else",
    ],
)
def test_a_table_that_is_not_as_it_was_left_is_not_trusted(settled: World, harm: str) -> None:
    settled.warehouse.run(harm.format(base_of(settled)))
    rows = members(49, VIP, CHURN)
    settled.warehouse.replace(rows)

    settled.sync()

    assert read(settled) == ("everything", ALTERED, 98)
    assert settled.believed() == truth(rows)
    settled.sync()
    assert read(settled) == ("changes", None, 0)


def test_without_its_schema_a_run_reads_everything_and_says_so(settled: World) -> None:
    settled.warehouse.run("DROP SCHEMA scratch CASCADE")
    settled.sync()
    assert read(settled) == ("everything", UNUSABLE, 100)
    checked = settled.command("check")
    assert checked.returncode == 2
    assert 'schema "scratch" does not exist' in " ".join(checked.stderr.split())

    settled.warehouse.run("CREATE SCHEMA scratch")
    settled.sync()
    assert read(settled) == ("everything", UNUSABLE, 100)
    settled.sync()
    assert read(settled) == ("changes", None, 0)


def test_without_the_key_everything_is_read_and_the_next_run_with_it_trusts_nothing(settled: World) -> None:
    settled.warehouse_extra = ""
    settled.warehouse.replace(members(40, VIP))
    settled.sync()
    assert read(settled) == ("everything", None, 40)
    assert base_of(settled) is None

    settled.warehouse_extra = SCRATCH
    settled.warehouse.replace(members(50, VIP, CHURN))
    settled.sync()
    assert read(settled)[0] == "everything"
    assert settled.believed() == truth(members(50, VIP, CHURN))
    assert tables(settled.warehouse) == {base_of(settled)}


def test_a_run_that_is_about_less_compares_everything_and_so_does_the_next(settled: World) -> None:
    settled.warehouse.replace(members(49, VIP, CHURN))
    settled.sync(audiences=[VIP])
    assert read(settled)[0] == "everything"
    settled.sync()
    assert read(settled)[0] == "everything"
    assert settled.believed() == truth(members(49, VIP, CHURN))
    settled.sync()
    assert read(settled) == ("changes", None, 0)


@pytest.mark.parametrize("paused", [(), (VIP,)], ids=["all", "an_audience"])
def test_what_is_paused_is_caught_up_with(settled: World, paused: tuple[str, ...]) -> None:
    settled.pause(*paused)
    settled.warehouse.replace(members(49, VIP, CHURN))
    settled.sync()
    settled.sync()
    settled.resume()
    settled.resume(*paused)
    settled.sync()
    assert read(settled)[0] == "everything"
    assert settled.believed() == truth(members(49, VIP, CHURN))
    settled.sync()
    assert read(settled) == ("changes", None, 0)


def test_a_plan_that_was_never_written_leaves_the_base_as_it_was(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = base_of(settled)
    settled.warehouse.replace(members(49, VIP, CHURN))
    with monkeypatch.context() as broken:
        broken.setattr(writing, "_write_run", lambda *_: 1 / 0)
        settled.sync()
    assert base_of(settled) == before
    assert len(tables(settled.warehouse)) == 2, "the table of the plan that was never made is still there"

    settled.sync()

    assert read(settled) == ("changes", None, 2)
    assert settled.believed() == truth(members(49, VIP, CHURN))
    assert tables(settled.warehouse) == {base_of(settled)}


def test_two_installations_in_one_schema_leave_each_other_alone(
    settled: World, tmp_path: Path, new_database: Callable[..., str], template: str
) -> None:
    with SegmentReceiver("test-write-key") as receiver:
        state = State(new_database(template), "syncer")
        (tmp_path / "other").mkdir()
        other = World(tmp_path / "other", settled.warehouse, state.url, receiver, warehouse_extra=SCRATCH)
        other.sync()
        settled.sync()
        other.sync()
        assert read(settled) == read(other) == ("changes", None, 0)
        assert tables(settled.warehouse) == {base_of(settled), base_of(other)}


def test_a_table_of_somebody_else_is_left_alone(settled: World) -> None:
    settled.warehouse.run("CREATE TABLE scratch.syncer_mine AS SELECT 1")
    settled.sync()
    assert tables(settled.warehouse) == {base_of(settled), "syncer_mine"}


def test_verify_reads_everything_and_leaves_the_base_alone(settled: World) -> None:
    with settled.state() as state:
        state.execute("DELETE FROM synced_member WHERE user_id = 'u0007'")
    before = base_of(settled)
    assert settled.verify().differences > 0
    assert base_of(settled) == before


@pytest.mark.fresh_sessions  # one that `check` has made tables in takes no settings of the state's any more
def test_a_table_that_is_read_where_it_is_needs_no_copy(world_in_one_database: World) -> None:
    world_in_one_database.warehouse.run("CREATE SCHEMA scratch")
    world_in_one_database.warehouse_extra = SCRATCH
    world_in_one_database.warehouse.replace(members(3))
    world_in_one_database.sync()
    world_in_one_database.sync()
    assert read(world_in_one_database) == (
        "everything",
        "the table is read where it is, in the state's own database",
        0,
    )
    assert tables(world_in_one_database.warehouse) == set()
    assert "the table is read where it is" in world_in_one_database.command("check").stderr


def test_what_needs_all_rows_of_a_contact_is_read_whole(kept: World) -> None:
    kept.destination_extra += '\nidentity = "user_id"'
    kept.warehouse.replace(members(3))
    kept.sync()
    kept.sync()
    assert read(kept) == (
        "everything",
        "a destination knows its contacts by user id, which needs all rows of a contact",
        3,
    )


def test_history_says_what_was_read(settled: World) -> None:
    settled.sync()
    assert "the warehouse found what changed itself: 0 rows were read" in settled.command("history", "2").stdout
    assert f"everything was read, 100 rows: {EMPTY}" in " ".join(settled.command("history", "1").stdout.split())
    shown = settled.json("history", "2")
    assert (shown["read"], shown["read_because"], shown["read_rows"]) == ("changes", None, 0)


def test_check_tries_the_schema_and_leaves_nothing_there(settled: World) -> None:
    before = tables(settled.warehouse)
    checked = settled.command("check")
    assert checked.returncode == 0
    assert "runs read what changed since the run before" in " ".join(checked.stderr.split())
    assert tables(settled.warehouse) == before


def test_who_is_forgotten_is_gone_from_the_warehouse_too(settled: World) -> None:
    settled.warehouse.replace(members(49, VIP, CHURN))
    assert settled.command("forget", "u0049", "--yes").returncode == 0
    assert tables(settled.warehouse) == set()

    settled.sync()
    assert read(settled)[:2] == ("everything", "somebody was forgotten after the run before")


def test_no_run_begins_before_forgetting_has_dropped_what_is_left(
    settled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that a run makes meanwhile could neither be seen nor be dropped, and would be taken for gone."""
    real = PostgresMirrors.drop

    def drop(*asked: Any) -> Any:
        with pytest.raises(errors.SyncLockedError):
            settled.sync()
        return real(*asked)

    monkeypatch.setattr(PostgresMirrors, "drop", drop)
    assert settled.command("forget", "u0049", "--yes").returncode == 0
    assert tables(settled.warehouse) == set()


def test_forgetting_says_what_it_could_not_drop(settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tables(settled.warehouse)

    def unreachable(*_: Any) -> Any:
        raise errors.WarehouseError("it is down")

    with monkeypatch.context() as down:
        down.setattr(PostgresMirrors, "drop", unreachable)
        done = settled.command("forget", "u0049", "--yes")
    assert done.returncode == 0
    assert "one table with their rows is still in `warehouse.scratch`" in " ".join(done.stderr.split())
    assert tables(settled.warehouse) == left
    settled.sync()
    assert not tables(settled.warehouse) & left


def test_whom_no_destination_is_told_all_about_the_warehouse_counts(kept: World) -> None:
    """Users and contacts are counted by what differs, where everybody is told; else where the rows are."""
    kept.destination_extra += f'\naudiences = ["{VIP}"]'
    rows = [*members(50, VIP, CHURN), (CHURN, "u0001", " Other@x.io\xa0"), (CHURN, None, "other@x.io")]
    kept.warehouse.replace(rows)
    kept.sync()
    kept.warehouse.replace(rows[2:])

    result = kept.sync()

    assert read(kept)[0] == "changes"
    assert {each.name: each.members for each in result.report.audiences} == {VIP: 49, CHURN: 49}
    assert kept.query("SELECT memberships, contacts FROM sync_runs ORDER BY run_id DESC LIMIT 1") == [(100, 50)]


@pytest.mark.parametrize("mode", ["ACCESS SHARE", "ACCESS EXCLUSIVE"])
def test_who_holds_a_table_keeps_no_run_waiting(settled: World, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """It is read if it can be, and dropped by a later run."""
    quick = sql.query("warehouse_narrow_session").replace("'5s'", "'50ms'")

    def quickly(name: str) -> str:
        return quick if name == "warehouse_narrow_session" else sql.query(name)

    monkeypatch.setattr("syncer.warehouses.mirror_postgres.query", quickly)
    held = base_of(settled)
    with psycopg.connect(settled.warehouse.url) as connection:
        connection.execute(f"LOCK TABLE scratch.{held} IN {mode} MODE")
        settled.sync()
        assert read(settled)[0] == ("changes" if mode == "ACCESS SHARE" else "everything")
        assert tables(settled.warehouse) == {held, base_of(settled)}
    settled.sync()
    assert tables(settled.warehouse) == {base_of(settled)}
