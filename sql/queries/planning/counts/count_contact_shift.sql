-- Purpose: how many more different contacts the snapshot has than the state, by the differences: as count_users.
-- Rows: one: shift.
SELECT
    coalesce(sum((moved.said OR coalesce(known.rows, 0) > moved.losses)::integer - (known.contact IS NOT NULL)::integer), 0)::bigint AS shift
FROM (
    SELECT
        d.contact,
        bool_or(d.kind <> 'lose') AS said,
        count(*) FILTER (WHERE d.kind = 'lose') AS losses
    FROM member_delta AS d
    WHERE d.kind IN ('gain', 'lose', 'again', 'skip') AND d.contact <> ''
    GROUP BY d.contact
) AS moved
LEFT JOIN (
    SELECT m.contact, count(*) AS rows
    FROM known_member AS m
    GROUP BY m.contact
) AS known ON known.contact = moved.contact
