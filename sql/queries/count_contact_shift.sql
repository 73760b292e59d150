-- Purpose: how many more different contacts the snapshot has than the state, by the differences: as count_users.
-- Parameters: destination_id.
-- Rows: one: shift.
SELECT
    coalesce(sum((moved.said OR known.rows > moved.losses)::integer - (known.rows > 0)::integer), 0)::bigint AS shift
FROM (
    SELECT d.contact, bool_or(d.kind <> 'lose') AS said, count(*) FILTER (WHERE d.kind = 'lose') AS losses
    FROM member_delta AS d
    WHERE d.contact <> ''
    GROUP BY d.contact
) AS moved
CROSS JOIN LATERAL (
    SELECT count(*) AS rows
    FROM synced_member AS m
    WHERE m.destination_id = %(destination_id)s AND m.contact = moved.contact
) AS known
