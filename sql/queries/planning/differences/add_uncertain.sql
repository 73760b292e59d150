-- Purpose: adds the properties whose last call has no answer to the differences, whether or not anything changed.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with unsure.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
SELECT 'unsure', uncertain.audience_id, uncertain.contact, uncertain.user_id, uncertain.email
FROM uncertain
WHERE uncertain.destination_id = %(destination_id)s
    AND uncertain.audience_id IN (SELECT plan_audience.audience_id FROM plan_audience)
    AND is_in_reach(uncertain.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(uncertain.contact)
