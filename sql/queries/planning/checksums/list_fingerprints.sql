-- Purpose: lists what the last run that planned for each destination found of its audiences there. Computed traits have
-- no fingerprint.
-- Parameters: destination_ids.
-- Rows: destination_id, audience_id, fingerprint (null: something differed).
SELECT run_count.destination_id, run_count.audience_id, run_count.fingerprint
FROM run_count
JOIN audience USING (audience_id)
WHERE run_count.destination_id = ANY (%(destination_ids)s::integer[])
    AND run_count.run_id = (
        SELECT max(planned.run_id) FROM run_count AS planned WHERE planned.destination_id = run_count.destination_id
    )
    AND NOT audience.is_trait
