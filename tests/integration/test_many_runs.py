"""What a run reads of the runs before it: after thousands no more than after a few, though runs are never dropped."""

import pytest

from tests.world import World, begin_history, members, until

RUNS, AUDIENCES = 2000, 20

_MADE_UP = (
    """
    INSERT INTO run (trigger, phase, status, started_at, finished_at, snapshot_at, syncer_version, host, pid)
    SELECT 'schedule', 'closed', 'succeeded', now() - interval '1 hour', now() - interval '1 hour',
        now() - interval '1 hour', '0', 'made up', 1
    FROM generate_series(1, %(runs)s)
    """,
    "INSERT INTO run_destination (run_id, destination_id, status, planned)"
    " SELECT run_id, 1, 'succeeded', 0 FROM run WHERE host = 'made up'",
    "INSERT INTO run_count (run_id, destination_id, audience_id, members, planned_add, planned_remove, initial)"
    " SELECT run_id, 1, audience_id, 1, 0, 0, false FROM run CROSS JOIN audience WHERE host = 'made up'",
    "INSERT INTO run_audience (run_id, position, audience_id, name, members)"
    " SELECT run_id, audience_id, audience_id, name, 1 FROM run CROSS JOIN audience WHERE host = 'made up'",
    "ANALYZE",
)
_READ = r"""
SELECT regexp_replace(relname, '_\d{10}$', '') AS table, sum(read)::bigint
FROM (
    SELECT relname, seq_tup_read AS read FROM pg_stat_user_tables
    UNION ALL
    SELECT relname, idx_tup_read FROM pg_stat_user_indexes
) AS each
WHERE relname ~ '^run'
GROUP BY 1
"""


@pytest.mark.fresh_sessions
def test_a_run_reads_no_more_for_the_runs_before_it(world: World) -> None:
    everybody = members(3, *[f"Audience {number}" for number in range(AUDIENCES)])
    world.warehouse.replace(everybody)
    world.sync()
    with world.state() as connection:
        begin_history(connection, 2, RUNS + 1)
        for statement in _MADE_UP:
            connection.execute(statement, {"runs": RUNS} if "%(" in statement else None)
    before = rows_read(world)
    world.warehouse.replace(everybody[1:])
    world.sync()
    read = {table: rows - before[table] for table, rows in rows_read(world).items()}
    assert all(0 < read[table] < RUNS // 2 for table in ("run", "run_audience", "run_count", "run_destination")), read


def rows_read(world: World) -> dict[str, int]:
    """So far, by table: what sessions count is known for certain once they have ended."""
    until(lambda: not world.query("SELECT FROM pg_stat_activity WHERE application_name LIKE 'syncer %%'", []))
    return dict(world.query(_READ))
