-- Purpose: counts the properties of contacts that were last told true, or are uncertain, in all of these audiences, and
-- the contacts that have any; without those whose removal has passed the guard. See count_losses.
-- Parameters: destination_id, audience_ids; at_most (how many rows of the state are read, whichever; null: all);
-- reach_contacts, rollout (the destination's reach).
-- Rows: one: properties, contacts.
SELECT count(*) AS properties, count(DISTINCT told.contact) AS contacts
FROM (
    (
        SELECT synced_member.audience_id, synced_member.contact
        FROM synced_member
        WHERE synced_member.destination_id = %(destination_id)s
            AND synced_member.audience_id = ANY (%(audience_ids)s::integer[])
        LIMIT %(at_most)s::bigint
    )
    UNION
    SELECT uncertain.audience_id, uncertain.contact
    FROM uncertain
    WHERE uncertain.destination_id = %(destination_id)s AND uncertain.audience_id = ANY (%(audience_ids)s::integer[])
) AS told
WHERE is_in_reach(told.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(told.contact)
    AND NOT EXISTS (
        SELECT FROM passed_change
        WHERE passed_change.destination_id = %(destination_id)s
            AND passed_change.audience_id = told.audience_id
            AND passed_change.contact = told.contact
            AND passed_change.op = 'removed'
    )
