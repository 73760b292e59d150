-- Purpose: contacts whose email or traits are not what was last accepted of them: all that they are in is told again
-- along with it. A contact of which nothing was remembered yet is one of them.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with changed.
INSERT INTO member_delta (kind, audience_id, contact, user_id)
SELECT 'changed', m.audience_id, m.contact, m.user_id
FROM profile AS p
LEFT JOIN synced_profile AS told ON told.destination_id = %(destination_id)s AND told.contact = p.contact
JOIN synced_member AS m ON m.destination_id = %(destination_id)s AND m.contact = p.contact
JOIN plan_audience AS listed ON listed.audience_id = m.audience_id
WHERE (told.contact IS NULL OR told.email IS DISTINCT FROM p.email OR NOT told.traits @> p.traits)
    AND is_in_reach(m.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(m.contact)
    AND NOT EXISTS (
        SELECT FROM member_delta AS lost
        WHERE lost.kind = 'lose' AND lost.contact = m.contact AND lost.audience_id = m.audience_id
            AND lost.user_id = m.user_id
    )
