-- Purpose: a full resync also tells false again to everyone whose last accepted value is false.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with retract.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
SELECT 'retract', f.audience_id, f.contact, f.user_id, f.email
FROM told_false AS f
JOIN plan_audience AS listed USING (audience_id)
WHERE f.destination_id = %(destination_id)s
    AND f.told_run_id < listed.due_before
    AND is_in_reach(f.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(f.contact)
