-- Purpose: the blocks all of whose runs ended long ago and are added up: runs end in the order in which they begin, so
-- the last one of each is asked for. The block that the newest run is in, or that a later one may still be put in, is
-- none of them, nor is one with a run that a rollback waits to take back, that is such a rollback, or that is the last
-- one to have held something that waits, which people approve by that run.
-- Parameters: keep (seconds).
-- Rows: first_run, end_run (excluded), runs; the oldest first.
SELECT
    history_block.first_run,
    history_block.end_run,
    (
        SELECT count(*)
        FROM run
        WHERE run.run_id >= history_block.first_run AND run.run_id < history_block.end_run
    ) AS runs
FROM history_block
LEFT JOIN LATERAL (
    SELECT run.run_id, run.finished_at
    FROM run
    WHERE run.run_id >= history_block.first_run AND run.run_id < history_block.end_run
    ORDER BY run.run_id DESC
    LIMIT 1
) AS last_run ON true
WHERE history_block.end_run <= (SELECT max(newest.run_id) FROM run AS newest)
    AND coalesce(extract(epoch FROM clock_timestamp() - last_run.finished_at) > %(keep)s::float8, true)
    AND coalesce(last_run.run_id < (SELECT installation.added_up_run FROM installation), true)
    AND NOT EXISTS (
        SELECT FROM held_change
        WHERE held_change.rolls_back_run_id > 0
            AND (
                (
                    held_change.rolls_back_run_id >= history_block.first_run
                    AND held_change.rolls_back_run_id < history_block.end_run
                )
                OR (
                    held_change.since_run_id >= history_block.first_run
                    AND held_change.since_run_id < history_block.end_run
                )
            )
    )
    AND NOT EXISTS (
        SELECT FROM audience
        CROSS JOIN destination
        CROSS JOIN LATERAL (
            SELECT held_change.since_run_id
            FROM held_change
            WHERE held_change.destination_id = destination.destination_id
                AND held_change.audience_id = audience.audience_id
                AND held_change.approved_at IS NULL
            LIMIT 1
        ) AS waiting
        CROSS JOIN LATERAL (
            SELECT max(run_count.run_id) AS run_id
            FROM run_count
            WHERE run_count.audience_id = audience.audience_id
                AND run_count.destination_id = destination.destination_id
                AND run_count.held > 0
        ) AS last_held
        WHERE last_held.run_id >= history_block.first_run AND last_held.run_id < history_block.end_run
    )
ORDER BY history_block.first_run
