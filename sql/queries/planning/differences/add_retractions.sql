-- Purpose: in a full resync, adds everyone whose last accepted value is false to the differences: they get it again.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with retract.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
SELECT 'retract', told_false.audience_id, told_false.contact, told_false.user_id, told_false.email
FROM told_false
JOIN plan_audience USING (audience_id)
WHERE told_false.destination_id = %(destination_id)s
    AND told_false.told_run_id < plan_audience.due_before
    AND is_in_reach(told_false.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND NOT is_token(told_false.contact)
