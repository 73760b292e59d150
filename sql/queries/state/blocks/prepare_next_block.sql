-- Purpose: once the newest run is the last of its block, the next block is to have as many runs as began lately, and no
-- fewer than so many. Runs are read from the newest on, as far as they are counted.
-- Parameters: runs (the fewest), seconds.
-- Rows: none.
INSERT INTO history_block (first_run, end_run)
SELECT newest.run_id + 1, newest.run_id + 1 + greatest(%(runs)s, lately.runs)
FROM (SELECT max(run.run_id) AS run_id FROM run) AS newest
CROSS JOIN LATERAL (
    SELECT count(*) AS runs
    FROM run
    WHERE run.run_id > coalesce(
        (
            SELECT before.run_id
            FROM run AS before
            WHERE before.started_at <= now() - make_interval(secs => %(seconds)s)
            ORDER BY before.run_id DESC
            LIMIT 1
        ),
        0
    )
) AS lately
WHERE newest.run_id + 1 = (SELECT max(history_block.end_run) FROM history_block)
