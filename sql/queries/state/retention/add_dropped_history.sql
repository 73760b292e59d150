-- Purpose: adds up an old run, whose history is dropped later, so that the history still accounts for every member:
-- those that the destination accepted, less those that it was told had left.
-- Parameters: run_id.
-- Rows: none.
INSERT INTO dropped_history (destination_id, audience_id, members)
SELECT destination_id, audience_id, sum(CASE effect WHEN 'gain' THEN 1 ELSE -1 END)
FROM accepted_change
WHERE run_id = %(run_id)s AND effect <> 'none'
GROUP BY destination_id, audience_id
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET members = dropped_history.members + excluded.members
