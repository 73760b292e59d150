-- Purpose: how many different users the snapshot has in each of these audiences: those that the state has, and by the
-- differences who came and who went. One has gone when the snapshot has none of the rows that the state has of him.
-- Parameters: destination_id, audience_ids.
-- Rows: audience_id, users.
WITH moved AS (
    SELECT
        d.audience_id,
        d.user_id,
        bool_or(d.kind <> 'lose') AS said,
        count(*) FILTER (WHERE d.kind = 'lose') AS losses
    FROM member_delta AS d
    WHERE d.kind IN ('gain', 'lose', 'again', 'skip') AND d.audience_id IS NOT NULL AND d.user_id IS NOT NULL
    GROUP BY d.audience_id, d.user_id
    ORDER BY d.user_id, d.audience_id -- as the index has them
),
shift AS (
    SELECT
        moved.audience_id,
        sum((moved.said OR known.rows > moved.losses)::integer - (known.rows > 0)::integer) AS users
    FROM moved
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM synced_member AS m
        WHERE m.destination_id = %(destination_id)s
            AND m.user_id = moved.user_id
            AND m.audience_id = moved.audience_id
            AND NOT is_token(m.contact)
    ) AS known
    GROUP BY moved.audience_id
)
SELECT asked.audience_id, (coalesce(told.users, 0) + coalesce(shift.users, 0))::bigint AS users
FROM unnest(%(audience_ids)s::integer[]) AS asked (audience_id)
LEFT JOIN user_count AS told ON told.destination_id = %(destination_id)s AND told.audience_id = asked.audience_id
LEFT JOIN shift ON shift.audience_id = asked.audience_id
