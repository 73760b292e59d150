-- Purpose: adjusts the numbers of contacts and users that destinations have to what this run changed there. The rows
-- that a contact had before are those it has now, less the net of what came and went:
--     net +2, now 2 rows (before 0)   (2 > 0) - (2 > 2)  = 1 - 0   one more
--     net -1, now 0 rows (before 1)   (0 > 0) - (0 > -1) = 0 - 1   one less
--     net +1, now 3 rows (before 2)   (3 > 0) - (3 > 1)  = 1 - 1   as many
-- It sorts, because looking up goes faster in the order of the index.
-- Parameters: run_id; taken (destination ids: their counts are right already).
-- Rows: none.
WITH moved AS MATERIALIZED (
    SELECT
        accepted_change.destination_id,
        accepted_change.audience_id,
        accepted_change.contact,
        accepted_change.user_id,
        CASE accepted_change.effect WHEN 'gain' THEN 1 ELSE -1 END AS net
    FROM contact_count
    JOIN accepted_change USING (destination_id)
    WHERE accepted_change.run_id = %(run_id)s
        AND accepted_change.effect <> 'none'
        AND NOT is_token(accepted_change.contact)
        -- Spares a large run, which is counted anew, the reading of its changes.
        AND EXISTS (SELECT FROM contact_count AS other WHERE other.destination_id <> ALL (%(taken)s::integer[]))
        AND contact_count.destination_id <> ALL (%(taken)s::integer[])
),
users AS (
    INSERT INTO user_count (destination_id, audience_id, users)
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
        FROM synced_member
        WHERE synced_member.destination_id = shift.destination_id
            AND synced_member.user_id = shift.user_id
            AND synced_member.audience_id = shift.audience_id
            AND NOT is_token(synced_member.contact)
    ) AS now
    GROUP BY shift.destination_id, shift.audience_id
    ON CONFLICT (destination_id, audience_id) DO UPDATE SET users = user_count.users + excluded.users
)
UPDATE contact_count
SET contacts = contact_count.contacts + shift.contacts
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
        FROM synced_member
        WHERE synced_member.destination_id = shift.destination_id AND synced_member.contact = shift.contact
    ) AS now
    GROUP BY shift.destination_id
) AS shift
WHERE contact_count.destination_id = shift.destination_id
