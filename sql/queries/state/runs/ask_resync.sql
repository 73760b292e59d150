-- Purpose: what was told before this run is due again at a destination, until it is accepted.
-- Parameters: destination_id, audience_ids (an array; null: every audience), run_id.
-- Rows: none.
INSERT INTO resync (destination_id, audience_id, before_run_id)
SELECT %(destination_id)s, asked.audience_id, %(run_id)s
FROM unnest(coalesce(%(audience_ids)s::integer[], ARRAY[NULL]::integer[])) AS asked (audience_id)
ON CONFLICT (destination_id, coalesce(audience_id, 0)) DO UPDATE
SET before_run_id = excluded.before_run_id, asked_at = excluded.asked_at, reach_hashes = NULL, rollout = NULL
