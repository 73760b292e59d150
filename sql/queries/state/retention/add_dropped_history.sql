-- Purpose: what is about to be dropped is added up, so that the history still accounts for every member: those that
-- the destination accepted, less those that it was told had left.
-- Parameters: first_run, end_run (excluded): those of a partition.
-- Rows: none.
INSERT INTO dropped_history (destination_id, audience_id, members)
SELECT destination_id, audience_id, sum(CASE effect WHEN 'gain' THEN 1 ELSE -1 END)
FROM accepted_change
WHERE run_id >= %(first_run)s AND run_id < %(end_run)s AND effect <> 'none'
GROUP BY destination_id, audience_id
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET members = dropped_history.members + excluded.members
