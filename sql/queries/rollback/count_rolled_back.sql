-- Purpose: counts what a rollback would take back, and what it leaves alone.
-- Rows: destination, audience, property, op (null: left alone), reason (why), moved_run_id, contacts.
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    rolled_back.op::text AS op,
    rolled_back.reason,
    rolled_back.moved_run_id,
    count(*) AS contacts
FROM rolled_back
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
GROUP BY
    destination.name,
    audience.name,
    audience.property,
    rolled_back.op,
    rolled_back.reason,
    rolled_back.moved_run_id
ORDER BY destination.name, audience.name, rolled_back.op, rolled_back.reason, rolled_back.moved_run_id
