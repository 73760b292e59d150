-- Purpose: gathers the users in an audience of whom anything differs at the present destination, be it told by this
-- plan or not: what is told may be refused, or never leave. Rows that name no audience or no user are read by every
-- run. A user id that too many contacts have is found anew by every plan, and what is about to expire in the state.
-- Rows: none; fills rest_group.
INSERT INTO rest_group (audience, user_id)
SELECT plan_audience.name, member_delta.user_id
FROM member_delta
JOIN plan_audience USING (audience_id)
WHERE member_delta.kind NOT IN ('skip', 'refresh') AND member_delta.user_id IS NOT NULL
UNION
SELECT member_delta.audience, member_delta.user_id
FROM member_delta
WHERE member_delta.kind = 'skip' AND member_delta.audience IS NOT NULL AND member_delta.user_id IS NOT NULL
