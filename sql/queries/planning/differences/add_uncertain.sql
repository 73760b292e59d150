-- Purpose: properties whose last call has no answer belong to the plan, whether or not anything changed.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with unsure.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
SELECT 'unsure', u.audience_id, u.contact, u.user_id, u.email
FROM uncertain AS u
WHERE u.destination_id = %(destination_id)s
    AND u.audience_id IN (SELECT listed.audience_id FROM plan_audience AS listed)
    AND is_in_reach(u.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(u.contact)
