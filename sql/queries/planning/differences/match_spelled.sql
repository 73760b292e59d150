-- Purpose: rows that the comparison took for another contact than the state has, because blanks surround the address.
-- Where the state has the row after all it was neither gained nor lost, but may be due again; else it is a gain.
-- Parameters: destination_id.
-- Rows: none; leaves no spelled row in member_delta.
WITH odd AS MATERIALIZED (
    SELECT DISTINCT d.audience_id, d.contact, d.user_id
    FROM member_delta AS d
    WHERE d.kind = 'spelled'
),
known AS MATERIALIZED (
    SELECT m.audience_id, m.contact, m.user_id, coalesce(m.told_run_id < listed.due_before, false) AS due
    FROM odd
    JOIN plan_audience AS listed USING (audience_id)
    JOIN synced_member AS m
        ON m.destination_id = %(destination_id)s
        AND m.contact = odd.contact AND m.audience_id = odd.audience_id AND m.user_id = odd.user_id
),
matched AS (
    DELETE FROM member_delta AS d
    USING known
    WHERE d.audience_id = known.audience_id AND d.contact = known.contact AND d.user_id = known.user_id
        AND (d.kind = 'lose' OR (d.kind = 'spelled' AND NOT known.due))
)
UPDATE member_delta AS d
SET kind = CASE WHEN known.due THEN 'again' ELSE 'gain' END
FROM odd
LEFT JOIN known USING (audience_id, contact, user_id)
WHERE d.kind = 'spelled'
    AND d.audience_id = odd.audience_id AND d.contact = odd.contact AND d.user_id = odd.user_id
    AND known.due IS DISTINCT FROM false
