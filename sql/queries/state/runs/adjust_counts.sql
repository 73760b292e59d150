-- Purpose: the counts of what destinations have move with what this run did there: by the rows that came and went, who
-- is new there, and who is gone. What was there before is what is there now, without those that came, with those that went.
-- Sorted, because the look-ups go faster in the order of the index.
-- Parameters: run_id; taken (destination ids: their counts are right already).
-- Rows: none.
WITH moved AS MATERIALIZED (
    SELECT c.destination_id, c.audience_id, c.contact, c.user_id,
        CASE c.effect WHEN 'gain' THEN 1 ELSE -1 END AS net
    FROM contact_count AS counted
    JOIN accepted_change AS c USING (destination_id)
    WHERE c.run_id = %(run_id)s
        AND c.effect <> 'none'
        AND NOT is_token(c.contact)
        -- Spares a large run, which is counted anew, the reading of its changes.
        AND EXISTS (SELECT FROM contact_count AS other WHERE other.destination_id <> ALL (%(taken)s::integer[]))
        AND counted.destination_id <> ALL (%(taken)s::integer[])
),
users AS (
    INSERT INTO user_count AS told (destination_id, audience_id, users)
    SELECT
        shift.destination_id,
        shift.audience_id,
        sum((now.rows > 0)::integer - (now.rows > shift.net)::integer)
    FROM (
        SELECT moved.destination_id, moved.audience_id, moved.user_id, sum(moved.net) AS net
        FROM moved
        GROUP BY moved.destination_id, moved.audience_id, moved.user_id
        ORDER BY moved.user_id, moved.audience_id
    ) AS shift
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM synced_member AS m
        WHERE m.destination_id = shift.destination_id
            AND m.user_id = shift.user_id
            AND m.audience_id = shift.audience_id
            AND NOT is_token(m.contact)
    ) AS now
    GROUP BY shift.destination_id, shift.audience_id
    ON CONFLICT (destination_id, audience_id) DO UPDATE SET users = told.users + excluded.users
)
UPDATE contact_count AS told
SET contacts = told.contacts + shift.contacts
FROM (
    SELECT shift.destination_id, sum((now.rows > 0)::integer - (now.rows > shift.net)::integer) AS contacts
    FROM (
        SELECT moved.destination_id, moved.contact, sum(moved.net) AS net
        FROM moved
        GROUP BY moved.destination_id, moved.contact
        ORDER BY moved.contact
    ) AS shift
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM synced_member AS m
        WHERE m.destination_id = shift.destination_id AND m.contact = shift.contact
    ) AS now
    GROUP BY shift.destination_id
) AS shift
WHERE told.destination_id = shift.destination_id
