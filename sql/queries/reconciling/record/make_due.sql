-- Purpose: makes properties due for the next run, which tells what the warehouse says of them then: as after a call
-- that has no answer, nobody knows what the destination believes.
-- Parameters: destination_id; contact, audience_id, user_id, email (arrays, side by side).
-- Rows: none.
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
SELECT
    %(destination_id)s,
    given.audience_id,
    (SELECT max(run.run_id) FROM run),
    given.contact,
    given.user_id,
    given.email
FROM unnest(
    %(contact)s::text[], %(audience_id)s::integer[], %(user_id)s::text[], %(email)s::text[]
) AS given (contact, audience_id, user_id, email)
ON CONFLICT DO NOTHING
