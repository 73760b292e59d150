-- Purpose: says how many different users the snapshot has in each of these audiences, without counting there: as many
-- as the state has, plus those who came, less those who went, both by the differences. A user has gone when the
-- snapshot lacks every row that the state has of them.
-- Parameters: destination_id, audience_ids.
-- Rows: audience_id, users.
WITH differing AS (
    SELECT
        member_delta.audience_id,
        member_delta.user_id,
        bool_or(member_delta.kind <> 'lose') AS in_snapshot,
        count(*) FILTER (WHERE member_delta.kind = 'lose') AS losses
    FROM member_delta
    WHERE member_delta.kind IN ('gain', 'lose', 'again', 'skip')
        AND member_delta.audience_id IS NOT NULL
        AND member_delta.user_id IS NOT NULL
    GROUP BY member_delta.audience_id, member_delta.user_id
    ORDER BY member_delta.user_id, member_delta.audience_id -- as the index has them
),
shift AS (
    SELECT
        differing.audience_id,
        sum((differing.in_snapshot OR known.rows > differing.losses)::integer - (known.rows > 0)::integer) AS users
    FROM differing
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM synced_member
        WHERE synced_member.destination_id = %(destination_id)s
            AND synced_member.user_id = differing.user_id
            AND synced_member.audience_id = differing.audience_id
            AND NOT is_token(synced_member.contact)
    ) AS known
    GROUP BY differing.audience_id
)
SELECT asked.audience_id, (coalesce(user_count.users, 0) + coalesce(shift.users, 0))::bigint AS users
FROM unnest(%(audience_ids)s::integer[]) AS asked (audience_id)
LEFT JOIN user_count
    ON user_count.destination_id = %(destination_id)s AND user_count.audience_id = asked.audience_id
LEFT JOIN shift ON shift.audience_id = asked.audience_id
