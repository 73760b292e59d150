-- Purpose: the parts of the history all of whose runs ended long ago. The part that the newest run is in, or that a
-- later one may still be put in, is none of them, nor is one with a run that a rollback waits to take back.
-- Parameters: keep (seconds).
-- Rows: partition, first_run, end_run (excluded), runs; the oldest first.
SELECT
    part.partition,
    part.first_run,
    part.end_run,
    (SELECT count(*) FROM run WHERE run.run_id >= part.first_run AND run.run_id < part.end_run) AS runs
FROM (
    SELECT
        child.relname AS partition,
        (regexp_match(bounds.said, 'FROM \(''?(\d+)''?\)'))[1]::integer AS first_run,
        (regexp_match(bounds.said, 'TO \(''?(\d+)''?\)'))[1]::integer AS end_run
    FROM pg_inherits AS i
    JOIN pg_class AS child ON child.oid = i.inhrelid
    CROSS JOIN LATERAL (SELECT pg_get_expr(child.relpartbound, child.oid) AS said) AS bounds
    WHERE i.inhparent = 'sync_change'::regclass
) AS part
WHERE part.end_run <= (SELECT max(newest.run_id) FROM run AS newest)
    AND NOT EXISTS (
        SELECT
        FROM run
        WHERE run.run_id >= part.first_run
            AND run.run_id < part.end_run
            AND (
                run.finished_at IS NULL
                OR extract(epoch FROM clock_timestamp() - run.finished_at) <= %(keep)s::float8
            )
    )
    AND NOT EXISTS (
        SELECT FROM held_change
        WHERE held_change.rolls_back_run_id > 0
            AND held_change.rolls_back_run_id >= part.first_run
            AND held_change.rolls_back_run_id < part.end_run
    )
ORDER BY part.first_run
