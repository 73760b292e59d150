-- Purpose: an initial sync ends with the first run that leaves no member to add, skipped and refused ones aside; for
-- the destination's reach at that time. Narrowing it is remembered too.
-- Parameters: run_id (tallied).
-- Rows: none.
INSERT INTO initial_sync (destination_id, audience_id, ended_run_id, reach_hashes, rollout)
SELECT
    run_count.destination_id,
    run_count.audience_id,
    run_count.run_id,
    run_destination.reach_hashes,
    run_destination.rollout
FROM run_count
JOIN run_destination USING (run_id, destination_id)
WHERE run_count.run_id = %(run_id)s
    AND run_count.reads
    AND run_count.planned_add = run_count.succeeded_add + run_count.failed_add
    AND run_count.held_add = 0
    AND run_count.deferred_add = 0
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET ended_run_id = excluded.ended_run_id, reach_hashes = excluded.reach_hashes, rollout = excluded.rollout
WHERE (initial_sync.reach_hashes, initial_sync.rollout) IS DISTINCT FROM (excluded.reach_hashes, excluded.rollout)
