-- Purpose: looks in the state for rows that diff_members did not find there, because blanks surround their address.
-- Where the state has such a row, it was neither gained nor lost: it stays only if it is due again. Else it is a gain.
-- Parameters: destination_id.
-- Rows: none; leaves no padded row in member_delta.
WITH padded AS MATERIALIZED (
    SELECT DISTINCT member_delta.audience_id, member_delta.contact, member_delta.user_id
    FROM member_delta
    WHERE member_delta.kind = 'padded'
),
found AS MATERIALIZED (
    SELECT
        synced_member.audience_id,
        synced_member.contact,
        synced_member.user_id,
        coalesce(synced_member.told_run_id < plan_audience.due_before, false) AS due
    FROM padded
    JOIN plan_audience USING (audience_id)
    JOIN synced_member
        ON synced_member.destination_id = %(destination_id)s
        AND synced_member.contact = padded.contact
        AND synced_member.audience_id = padded.audience_id
        AND synced_member.user_id = padded.user_id
),
unchanged AS (
    DELETE FROM member_delta
    USING found
    WHERE member_delta.audience_id = found.audience_id
        AND member_delta.contact = found.contact
        AND member_delta.user_id = found.user_id
        AND (member_delta.kind = 'lose' OR (member_delta.kind = 'padded' AND NOT found.due))
)
UPDATE member_delta
SET kind = CASE WHEN found.due THEN 'again' ELSE 'gain' END
FROM padded
LEFT JOIN found USING (audience_id, contact, user_id)
WHERE member_delta.kind = 'padded'
    AND member_delta.audience_id = padded.audience_id
    AND member_delta.contact = padded.contact
    AND member_delta.user_id = padded.user_id
    AND found.due IS DISTINCT FROM false
