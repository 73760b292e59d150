-- Purpose: counts what a destination was told of contacts that are out of its reach now, and keep it whatever the
-- warehouse says: also those who are in the warehouse no more, and so are not listed as skipped.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: one; contacts (properties of contacts).
SELECT count(*)
FROM (
    SELECT DISTINCT contact, audience_id
    FROM synced_member
    WHERE destination_id = %(destination_id)s
        AND NOT is_in_reach(contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        AND NOT is_token(contact)
) AS told
