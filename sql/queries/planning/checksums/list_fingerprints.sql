-- Purpose: lists what the last run that planned for each destination found of its audiences there. Computed traits have
-- no fingerprint. Runs are looked at from the newest on, until one has planned: the counts of others are not read.
-- Parameters: destination_ids.
-- Rows: destination_id, audience_id, fingerprint (null: something differed).
SELECT run_count.destination_id, run_count.audience_id, run_count.fingerprint
FROM unnest(%(destination_ids)s::integer[]) AS asked (destination_id)
CROSS JOIN LATERAL (
    SELECT run.run_id
    FROM run
    WHERE EXISTS (
        SELECT FROM run_count AS planned
        WHERE planned.run_id = run.run_id AND planned.destination_id = asked.destination_id
    )
    ORDER BY run.run_id DESC
    LIMIT 1
) AS newest
JOIN run_count ON run_count.run_id = newest.run_id AND run_count.destination_id = asked.destination_id
JOIN audience USING (audience_id)
WHERE NOT audience.is_trait
