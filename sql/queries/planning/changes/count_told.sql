-- Purpose: how many contacts were last told true, or are uncertain, in some audiences; without those whose removal was
-- approved. What the guard's fractions are of.
-- Parameters: destination_id, audience_ids; at_most (rows of the state that are read: any of them; null: all);
-- reach_contacts, rollout (the destination's reach).
-- Rows: audience_id, contacts.
SELECT told.audience_id, count(*) AS contacts
FROM (
    (
        SELECT m.audience_id, m.contact
        FROM synced_member AS m
        WHERE m.destination_id = %(destination_id)s AND m.audience_id = ANY (%(audience_ids)s::integer[])
        LIMIT %(at_most)s::bigint
    )
    UNION
    SELECT u.audience_id, u.contact
    FROM uncertain AS u
    WHERE u.destination_id = %(destination_id)s AND u.audience_id = ANY (%(audience_ids)s::integer[])
) AS told
WHERE is_in_reach(told.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(told.contact)
    AND NOT EXISTS (
        SELECT FROM held_change AS h
        WHERE h.destination_id = %(destination_id)s
            AND h.audience_id = told.audience_id
            AND h.contact = told.contact
            AND h.op = 'removed'
            AND h.approved_at IS NOT NULL
    )
GROUP BY told.audience_id
