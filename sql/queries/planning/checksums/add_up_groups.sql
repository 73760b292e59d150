-- Purpose: counts and adds up the same as add_up_audiences, by groups of each audience's users (see member_group).
-- It creates a table from a query, because only that, and no query of a temporary table, runs in parallel.
-- Placeholders: source (a relation with audience, user_id, email, unsendable); groups (how many an audience has).
-- Parameters: key (of the sums); only (names of audiences; null: all rows, also those that name none).
-- Rows: none; makes group_sum.
CREATE TEMPORARY TABLE group_sum ON COMMIT DROP AS
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
    OFFSET 0 -- hashes once, and keeps the planner from taking the groups for as many as the users, and sorting all rows
) AS member
GROUP BY member.audience, member.member_group
