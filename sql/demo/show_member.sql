-- Purpose: an example of people's own SQL, printed and run: the memberships of one customer.
-- Placeholders: user_id, a literal.
-- Rows: one a membership, oldest first.
SELECT audience, contact, entered_run_id AS entered, exited_run_id AS exited
FROM syncer.audience_membership_history
WHERE destination = 'segment' AND user_id = {user_id}
ORDER BY entered_at, audience
