"""A table that somebody rebuilds while a run begins to read it is never taken for one that everybody left.

PostgreSQL gives a transaction the rows as of its snapshot, but the file of a table as of now: what was truncated,
swapped or rewritten between the two reads empty. Nothing is held here (`unguarded`).
"""

import threading

import psycopg
import pytest

from syncer import sync
from syncer.sync import Result
from tests.world import Row, World, truth, until

pytestmark = pytest.mark.usefixtures("unguarded")

PEOPLE: list[Row] = [("VIP Buyers", f"u{n:03d}", f"user{n:03d}@example.com") for n in range(60)]
FILL = (
    "INSERT INTO {} SELECT 'VIP Buyers', 'u' || lpad(n::text, 3, '0'), 'user' || lpad(n::text, 3, '0')"
    " || '@example.com' FROM generate_series(0, 59) AS n"
)
RELOAD = ("TRUNCATE members", FILL.format("members"))
SWAP = (
    "CREATE TABLE fresh (LIKE members)",
    FILL.format("fresh"),
    "ALTER TABLE members RENAME TO old",
    "ALTER TABLE fresh RENAME TO members",
    "DROP TABLE old CASCADE",
)
RETYPE = ("ALTER TABLE members ALTER COLUMN user_id TYPE varchar(40)",)

VIEW = "ALTER TABLE members RENAME TO kept; CREATE VIEW members AS SELECT * FROM kept"
VIEW_RELOAD = ("TRUNCATE kept", FILL.format("kept"))
OTHER_BATCH = (
    "CREATE OR REPLACE VIEW members AS SELECT audience_name, user_id, email FROM batches WHERE batch = 2",
    "INSERT INTO batches SELECT audience_name, user_id, email, 2 FROM batches",
)
BATCHES = (
    "CREATE TABLE batches AS SELECT *, 1 AS batch FROM members; DROP TABLE members;"
    "CREATE VIEW members AS SELECT audience_name, user_id, email FROM batches WHERE batch = 1"
)
PARTS = """
ALTER TABLE members RENAME TO kept;
CREATE TABLE members (LIKE kept) PARTITION BY LIST (right(user_id, 1));
CREATE TABLE part_0 PARTITION OF members FOR VALUES IN ('0');
CREATE TABLE rest PARTITION OF members DEFAULT;
INSERT INTO members SELECT * FROM kept;
CREATE TABLE waiting (LIKE members);
"""
PART_RELOAD = ("TRUNCATE part_0", "INSERT INTO part_0 SELECT * FROM kept WHERE user_id LIKE '%0'")
PART_SWAP = (
    "ALTER TABLE members DETACH PARTITION part_0",
    "INSERT INTO waiting SELECT * FROM kept WHERE user_id LIKE '%0'",
    "ALTER TABLE members ATTACH PARTITION waiting FOR VALUES IN ('0')",
)
MATERIALIZED = "ALTER TABLE members RENAME TO kept; CREATE MATERIALIZED VIEW members AS SELECT * FROM kept"
HIDDEN = """
ALTER TABLE members RENAME TO kept;
CREATE FUNCTION all_members() RETURNS SETOF kept LANGUAGE plpgsql STABLE
AS 'BEGIN RETURN QUERY SELECT * FROM kept; END';
CREATE VIEW members AS SELECT * FROM all_members();
"""

REFRESH = ("REFRESH MATERIALIZED VIEW members",)

READINGS = ("staged", "by a query", "in one database")
"""Every way of reading: it finds the tables that it waits for in the same way."""

WAYS = [
    *(pytest.param(reading, "", RELOAD, id=f"reloaded, {reading}") for reading in READINGS),
    pytest.param("by a query", "", SWAP, id="swapped"),
    pytest.param("in one database", "", RETYPE, id="rewritten"),
    pytest.param("by a query", VIEW, VIEW_RELOAD, id="under a view"),
    pytest.param("staged", BATCHES, OTHER_BATCH, id="a view that names other rows"),
    pytest.param("in one database", BATCHES, OTHER_BATCH, id="a view that names other rows, in one database"),
    pytest.param("staged", PARTS, PART_RELOAD, id="one partition of two"),
    pytest.param("in one database", PARTS, PART_SWAP, id="a partition for another"),
    pytest.param("staged", MATERIALIZED, REFRESH, id="a materialized view"),
]


class QueryWorld(World):
    """Its members come from a query."""

    @property
    def text(self) -> str:
        return super().text.replace('table = "members"', 'query = "SELECT * FROM members"')


@pytest.fixture
def told(request: pytest.FixtureRequest) -> World:
    """A world in which everybody was told, with a way of reading."""
    world: World = request.getfixturevalue("world_in_one_database" if request.param == "in one database" else "world")
    if request.param == "by a query":
        world = QueryWorld(**vars(world))
    world.warehouse.replace(PEOPLE)
    assert world.sync().report.status == "succeeded"
    return world


def sync_while_rebuilding(world: World, *statements: str) -> Result:
    """Somebody has begun to rebuild what is read, and ends it only once the run waits for them."""
    done: list[Result] = []
    run = threading.Thread(target=lambda: done.append(world.sync()))
    with psycopg.connect(world.warehouse.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        run.start()
        until(lambda: waits(world) or not run.is_alive())
    run.join(60)
    return done[0]


def waits(world: World) -> bool:
    with psycopg.connect(world.warehouse.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    return row != (0,)


@pytest.mark.parametrize(("told", "before", "meanwhile"), WAYS, indirect=["told"])
def test_a_run_waits_for_a_table_that_is_being_rebuilt(told: World, before: str, meanwhile: tuple[str, ...]) -> None:
    if before:
        told.warehouse.run(before)
    events = told.receiver.event_count

    result = sync_while_rebuilding(told, *meanwhile)

    assert result.report.status == "succeeded"
    assert told.receiver.event_count == events
    assert told.believed() == truth(PEOPLE)
    assert told.verify().differences == 0


@pytest.mark.parametrize("told", READINGS, indirect=True)
def test_a_table_that_nobody_knew_would_be_read_fails_the_run(told: World) -> None:
    """What a function reads is found only once it runs: after the snapshot."""
    told.warehouse.run(HIDDEN)
    events = told.receiver.event_count

    result = sync_while_rebuilding(told, *VIEW_RELOAD)

    assert result.report.status == "failed"
    assert sync.exit_code(result) == 6
    assert "kept was rebuilt" in (result.report.error or "")
    assert told.receiver.event_count == events
    assert told.sync().report.status == "succeeded"
    assert told.receiver.event_count == events
