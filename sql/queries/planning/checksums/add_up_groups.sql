-- Purpose: counts and adds up the same as add_up_audiences, by groups of each audience's users (see member_group).
-- It puts the sums of an audience side by side at once, because a table of groups takes half as long again to write and
-- to read. It runs in one process: the partial sums of many groups would cost more to hand over than they save.
-- Placeholders: source (a relation with audience, user_id, email, unsendable); groups (how many an audience has).
-- Parameters: key (of the sums); only (names of audiences; null: all rows, also those that name none).
-- Rows: none; makes group_sum: audience (null for rows that name none); rows, total; places (the groups that have rows,
-- in any order), sums (of these, by place).
CREATE TEMPORARY TABLE group_sum ON COMMIT DROP AS
SELECT
    grouped.audience,
    sum(grouped.rows)::bigint AS rows,
    sum(grouped.total) AS total,
    array_agg(grouped.member_group) AS places,
    array_agg(mod(grouped.total, 9223372036854775807)::bigint ORDER BY grouped.member_group) AS sums
FROM (
    SELECT
        member.audience,
        member.member_group,
        count(*) AS rows,
        sum(hashtextextended(coalesce(member.email, ''), int8xor(member.user_hash, member.kind))) AS total
    FROM (
        SELECT
            hashed.audience,
            (hashed.user_hash & ({groups} - 1))::integer AS member_group,
            hashed.user_hash,
            hashed.email,
            hashed.kind
        FROM (
            SELECT
                source.audience,
                source.email,
                hashtextextended(coalesce(source.user_id, ''), %(key)s) AS user_hash,
                source.unsendable::integer
                + 2 * (source.email IS NULL)::integer
                + 4 * (source.user_id IS NULL)::integer AS kind
            FROM {source} AS source
            WHERE %(only)s::text[] IS NULL OR source.audience = ANY (%(only)s::text[])
        ) AS hashed
        OFFSET 0 -- hashes once, and keeps the planner from taking the groups for as many as the users, and from sorting
    ) AS member
    GROUP BY member.audience, member.member_group
) AS grouped
GROUP BY grouped.audience
