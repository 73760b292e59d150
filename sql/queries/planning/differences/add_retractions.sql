-- Purpose: in a full resync, adds everyone whose last accepted value is false to the differences: they get it again;
-- and whoever an earlier one could not tell. Where neither is, nothing of `told_false` is read.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with retract.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
SELECT 'retract', due.audience_id, due.contact, due.user_id, due.email
FROM (
    SELECT told_false.audience_id, told_false.contact, told_false.user_id, told_false.email
    FROM told_false
    JOIN plan_audience USING (audience_id)
    WHERE told_false.destination_id = %(destination_id)s AND told_false.told_run_id < 0
    UNION ALL
    SELECT told_false.audience_id, told_false.contact, told_false.user_id, told_false.email
    FROM told_false
    JOIN plan_audience USING (audience_id)
    WHERE EXISTS (SELECT FROM plan_audience AS again WHERE again.due_before > 0) -- asked once
        AND told_false.destination_id = %(destination_id)s
        AND told_false.told_run_id >= 0
        AND told_false.told_run_id < plan_audience.due_before
) AS due
WHERE is_in_reach(due.contact, %(reach_contacts)s::text[], %(rollout)s::float8) AND NOT is_token(due.contact)
