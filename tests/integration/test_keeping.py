"""Whoever has a database after another test finds what a new one has, or gets a new one. See `tests/keeping.py`."""

import psycopg
import sqlalchemy

from syncer.state import State
from tests import keeping, sessions
from tests.world import World, members

CHANGES = [
    "ALTER TABLE syncer.run ADD COLUMN more text",
    "ALTER TABLE syncer.run ALTER COLUMN status SET DEFAULT 'odd'",
    "ALTER TABLE syncer.run DISABLE TRIGGER ALL",
    "ALTER TABLE syncer.run ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE syncer.run SET (fillfactor = 50)",
    "ALTER TABLE syncer.run RENAME TO running",
    "DROP TABLE syncer.alert",
    "DROP VIEW syncer.held_changes",
    "CREATE INDEX ON syncer.run (status)",
    "CREATE FUNCTION public.now() RETURNS text LANGUAGE sql AS 'SELECT NULL'",
    "CREATE TYPE public.colour AS ENUM ('red')",
    "ALTER SCHEMA syncer RENAME TO other",
    "CREATE SEQUENCE public.numbers",
    "CREATE RULE silent AS ON DELETE TO syncer.alert DO INSTEAD NOTHING",
    "GRANT SELECT ON syncer.run TO public",
    "REVOKE ALL ON SCHEMA public FROM public",
    "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_backend_pid() FROM public",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO public",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 7', current_database()); END $$",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 90', current_database()); END $$",
]
"""Any of them would be found by the next test."""


def test_rows_tables_numbers_and_statistics_of_a_test_are_gone(world: World, unguarded: None) -> None:
    origin = keeping.look(world.state_url)
    for count in (4, 3):
        world.warehouse.replace(members(count))
        world.sync()
    world.pause()
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE members AS SELECT generate_series(1, 50)")
        connection.execute("CREATE VIEW seen AS SELECT * FROM members")
        connection.execute("ANALYZE")
        connection.execute('CREATE SCHEMA "Other"; CREATE TABLE "Other".mine AS SELECT 1 AS number')
    assert keeping.look(world.state_url) != origin

    assert _renew(world.state_url, origin)

    assert keeping.look(world.state_url) == origin
    assert world.query("SELECT count(*) FROM pg_catalog.pg_statistic WHERE starelid >= 16384") == [(0,)]
    assert world.query("SELECT nextval(pg_get_serial_sequence('run', 'run_id'))") == [(1,)]


def test_a_database_with_another_catalog_is_not_kept(state: State) -> None:
    origin = keeping.look(state.url)
    with psycopg.connect(state.url) as connection:
        for change in CHANGES:
            connection.execute(change)
            assert keeping.catalog(connection) != origin.catalog, change
            connection.rollback()
        assert keeping.catalog(connection) == origin.catalog
        assert not _renew(state.url, origin), "somebody else is connected with it"
    assert _renew(state.url, origin)
    with psycopg.connect(state.url) as connection:
        connection.execute(CHANGES[0])
    assert not _renew(state.url, origin)


def _renew(url: str, origin: keeping.Origin) -> bool:
    return keeping.renew(url, origin, sessions.processes(str(sqlalchemy.make_url(url).database)))
