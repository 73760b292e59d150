-- Purpose: an initial sync ends with the first run that leaves no member to add, skipped and refused ones aside; for the
-- destination's reach at that time. Narrowing it is remembered too.
-- Parameters: run_id (tallied).
-- Rows: none.
INSERT INTO initial_sync AS i (destination_id, audience_id, ended_run_id, reach_contacts, rollout)
SELECT r.destination_id, r.audience_id, r.run_id, d.reach_contacts, d.rollout
FROM run_count AS r
JOIN run_destination AS d USING (run_id, destination_id)
WHERE r.run_id = %(run_id)s
    AND r.reads
    AND r.planned_add = r.succeeded_add + r.failed_add
    AND r.held_add = 0
    AND r.deferred_add = 0
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET ended_run_id = excluded.ended_run_id, reach_contacts = excluded.reach_contacts, rollout = excluded.rollout
WHERE (i.reach_contacts, i.rollout) IS DISTINCT FROM (excluded.reach_contacts, excluded.rollout)
