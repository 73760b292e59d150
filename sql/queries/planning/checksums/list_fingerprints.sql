-- Purpose: what the last run that planned for a destination found of its audiences there, computed traits aside.
-- Parameters: destination_ids.
-- Rows: destination_id, audience_id, fingerprint (null: something differed).
SELECT c.destination_id, c.audience_id, c.fingerprint
FROM run_count AS c
JOIN audience AS a USING (audience_id)
WHERE c.destination_id = ANY (%(destination_ids)s::integer[])
    AND c.run_id = (SELECT max(n.run_id) FROM run_count AS n WHERE n.destination_id = c.destination_id)
    AND NOT a.is_trait
