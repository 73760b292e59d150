-- Purpose: what a run held and still waits, which is what approving that run would let pass.
-- Parameters: run_id.
-- Rows: destination, audience, property, op, contacts.
SELECT destination, audience, property, op, count(*) AS contacts
FROM held_changes
WHERE last_run_id = %(run_id)s AND approved_at IS NULL
GROUP BY destination, audience, property, op
ORDER BY destination, audience, op
