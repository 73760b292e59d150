-- Purpose: a question is told what the last run deferred: changes of the last class, of the audiences of which it did.
-- Parameters: destination_id.
-- Rows: none.
WITH last_run AS (
    SELECT max(d.run_id) AS run_id
    FROM run_destination AS d
    JOIN run AS r USING (run_id)
    WHERE d.destination_id = %(destination_id)s AND r.snapshot_at IS NOT NULL
)
UPDATE contact_change AS c
SET waits = 'deferred'
FROM plan_audience AS listed, run_count AS n, last_run
WHERE listed.audience_id = c.audience_id
    AND n.run_id = last_run.run_id
    AND n.destination_id = %(destination_id)s
    AND n.audience_id = c.audience_id
    AND n.deferred > 0
    AND urgency_of(c.op, c.initial, listed.retired) >= 3
    AND c.op <> 'covered'
    AND c.waits IS NULL
