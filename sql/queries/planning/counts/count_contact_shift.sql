-- Purpose: says how many more contacts the snapshot has than the state, from the differences alone. The snapshot has a
-- contact if it has a row of it that differs, or if the state has more rows of it than the snapshot lacks.
-- Rows: one: shift.
SELECT
    coalesce(
        sum(
            (differing.in_snapshot OR coalesce(known.rows, 0) > differing.losses)::integer
            - (known.contact IS NOT NULL)::integer
        ),
        0
    )::bigint AS shift
FROM (
    SELECT
        member_delta.contact,
        bool_or(member_delta.kind <> 'lose') AS in_snapshot,
        count(*) FILTER (WHERE member_delta.kind = 'lose') AS losses
    FROM member_delta
    WHERE member_delta.kind IN ('gain', 'lose', 'again', 'skip') AND member_delta.contact <> ''
    GROUP BY member_delta.contact
) AS differing
LEFT JOIN (
    SELECT known_member.contact, count(*) AS rows
    FROM known_member
    GROUP BY known_member.contact
) AS known ON known.contact = differing.contact
