"""Dropping old history: what is kept still accounts for every member, and nobody who reads is made to wait."""

from pathlib import Path

import psycopg
import pytest

from syncer import app, audit, opening, sync
from syncer.receivers.loopback import Answer, Reset
from syncer.state import blocks, execute, retention
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.world import CHURN, Quiet, World, keep_together, named_members, truth

pytestmark = pytest.mark.usefixtures("unguarded")

DAY = 86_400.0
QUERIES = Path(__file__).parents[2] / "sql" / "queries"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs a block (1 and 2, 3 and 4, …)."""
    keep_together(monkeypatch, 2)


def drop_old(world: World, keep: float = DAY) -> int:
    with opening.opened_state(opening.load(world.config, {})) as state, state.connect("sync") as connection:
        return retention.drop_old(connection, keep)


def age(world: World, *, up_to_run: int) -> None:
    """These runs ended two days ago."""
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        connection.execute(
            "UPDATE run SET finished_at = finished_at - interval '2 days' WHERE run_id <= %s", [up_to_run]
        )


def differences(world: World) -> int:
    with app.opened(opening.load(world.config, {})) as opened:
        return audit.verify(opened.job(), Stop(), Quiet(), 10).differences


def kept(world: World) -> dict[str, list[int]]:
    """The runs that each table still knows."""
    return {
        table: [run_id for (run_id,) in world.query(f"SELECT DISTINCT run_id FROM {table} ORDER BY 1")]
        for table in ("run", "run_destination", *blocks.TABLES)
    }


def net(world: World) -> list[tuple[int, int]]:
    return world.query("SELECT audience_id, members FROM dropped_history ORDER BY 1")


def test_what_is_dropped_is_added_up(world: World) -> None:
    world.warehouse.replace(named_members("a", "b", "c"))
    world.sync()
    world.warehouse.replace([*named_members("b", "c", "d"), *named_members("d", audience=CHURN)])
    world.sync()
    refused = Answer(400, body=b'{"message":"no"}')
    world.receiver.script = lambda request: (
        refused if any(event["traits"]["email"] == "bad@x.io" for event in request.events) else None
    )
    world.warehouse.replace(named_members("b", "c", "bad"))
    world.sync()
    world.receiver.script = lambda request: Reset(apply=0)
    world.warehouse.replace(named_members("b", "c", "e"))
    world.sync()
    world.receiver.script = None
    for last in ("f", "g"):
        rows = named_members("c", last)
        world.warehouse.replace(rows)
        world.sync()
    assert kept(world)["run"] == [1, 2, 3, 4, 5, 6]
    before = kept(world)

    assert drop_old(world) == 0
    age(world, up_to_run=3)
    assert drop_old(world) == 2  # 3 and 4 are one block, and 4 is young
    assert net(world) == [(1, 2), (2, 0)]  # 3 is added up already
    assert differences(world) == 0
    age(world, up_to_run=6)
    assert drop_old(world) == 2  # 6 is the newest

    young = {table: [run_id for run_id in runs if run_id >= 5] for table, runs in before.items()}
    assert kept(world) == {**young, "run": before["run"], "run_destination": before["run_destination"]}
    assert differences(world) == 0
    assert world.believed() == truth(rows)
    assert drop_old(world) == 0


def test_tables_are_dropped_and_no_row_is_deleted(world: World) -> None:
    for name in ("a", "b", "c"):
        world.warehouse.replace(named_members(name))
        world.sync()
    old = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE '%%\\_0000000001'"
    assert {table for (table,) in world.query(old, [])} == {f"{table}_0000000001" for table in blocks.TABLES}
    age(world, up_to_run=2)

    assert drop_old(world) == 2

    assert world.query(old, []) == []
    statements = [file.read_text() for file in (QUERIES / "state" / "retention").iterdir()]
    assert not any(f"DELETE FROM {table}\n" in statement for table in blocks.TABLES for statement in statements)


def test_what_was_told_altogether_outlives_the_history(world: World) -> None:
    for name in ("a", "b", "c", "c"):
        world.warehouse.replace(named_members(name))
        world.sync()
    told = "SELECT audience_id, succeeded_add, succeeded_remove FROM told_count"
    assert world.query(told) == [(1, 3, 2)]
    counted = "SELECT sum(num_succeeded_add), sum(num_succeeded_remove) FROM sync_run_counts"
    assert world.query(counted) == [(3, 2)]
    age(world, up_to_run=2)

    assert drop_old(world) == 2

    assert world.query(counted) == [(1, 1)]
    with world.state() as connection:
        (row,) = execute(connection, "count_told_changes").fetchall()
    assert row[2:4] == (3, 2)


def test_it_goes_on_after_that(world: World) -> None:
    """With nothing kept but runs that had nothing to tell; then members leave that entered before what is kept."""
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    for _ in range(4):
        world.sync()
    age(world, up_to_run=5)
    assert drop_old(world) == 4
    assert kept(world)["sync_page"] == []
    assert net(world) == [(1, 2)]
    assert differences(world) == 0

    world.warehouse.replace(named_members("b"))
    world.sync()
    assert differences(world) == 0
    world.sync()
    age(world, up_to_run=7)
    assert drop_old(world) == 2
    assert net(world) == [(1, 1)]
    assert differences(world) == 0
    # A resync needs no history either.
    events = world.receiver.event_count
    with app.opened(opening.load(world.config, {})) as opened:
        sync.sync(opened.job(), RunStart("resync"), Stop(), Quiet())
    told = {received.event["traits"]["email"]: received.event["traits"] for received in world.receiver.events[events:]}
    assert {contact: traits["vip_buyers"] for contact, traits in told.items()} == {"a@x.io": False, "b@x.io": True}


def test_somebody_who_reads_for_long_is_left_alone(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    for _ in range(3):
        world.sync()
    age(world, up_to_run=3)
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as auditor:
        auditor.execute("SELECT count(*) FROM sync_changelog")

        assert drop_old(world) == 0
        assert kept(world)["sync_page"] == [1]
        assert (net(world), differences(world)) == ([(1, 1)], 0)

    assert drop_old(world) == 2
    assert (net(world), differences(world)) == ([(1, 1)], 0)


def test_a_run_is_added_up_as_soon_as_it_is_old_and_once(world: World) -> None:
    for names in ("ab", "b", "bc", "c"):
        world.warehouse.replace(named_members(*names))
        world.sync()
    age(world, up_to_run=1)

    assert drop_old(world) == 0
    assert (net(world), differences(world)) == ([(1, 2)], 0)
    assert world.query("SELECT contact FROM past_contact ORDER BY 1") == [("a@x.io",), ("b@x.io",)]
    assert drop_old(world) == 0
    assert (net(world), differences(world)) == ([(1, 2)], 0)

    age(world, up_to_run=2)
    assert drop_old(world) == 2
    assert (net(world), differences(world)) == ([(1, 1)], 0)


def test_a_process_that_stood_still_adds_nothing_up_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It listed the old runs before another took over, and goes on after that has added them up."""
    world.warehouse.replace(named_members("a", "b"))
    for _ in range(3):
        world.sync()
    age(world, up_to_run=1)
    assert drop_old(world) == 0

    monkeypatch.setattr(retention, "fetch_values", lambda *_: [1])
    assert drop_old(world) == 0

    assert (net(world), differences(world)) == ([(1, 2)], 0)


def test_an_open_run_keeps_its_history(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    for _ in range(3):
        world.sync()
    age(world, up_to_run=3)
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        connection.execute("UPDATE run SET phase = 'planned', status = NULL, finished_at = NULL WHERE run_id = 1")

    assert drop_old(world, 0.0) == 0
    assert kept(world)["sync_change"] == [1]


def test_whom_an_old_reconciliation_found_goes_and_its_counts_stay(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    world.sync()
    with world.state() as connection:
        for days in (1, 3):
            connection.execute(
                "WITH old AS (INSERT INTO reconciliation"
                " (destination_id, repairs, scheduled, actor, differing, started_at)"
                " VALUES (1, false, false, 'me', 1, now() - make_interval(days => %s)) RETURNING reconciliation_id),"
                " left_over AS (INSERT INTO contact_to_ask SELECT reconciliation_id, 1, 'b@x.io' FROM old)"
                " INSERT INTO reconciled_difference"
                " SELECT reconciliation_id, 1, 1, 'a@x.io', 'stale', 'false', 'true', true, false FROM old",
                [days],
            )

    drop_old(world, 2 * DAY)

    assert world.query("SELECT reconciliation_id FROM reconciled_differences") == [(1,)]
    assert world.query("SELECT reconciliation_id FROM contact_to_ask") == [(1,)]
    assert world.query("SELECT sum(differing) FROM reconciliations") == [(2,)]
