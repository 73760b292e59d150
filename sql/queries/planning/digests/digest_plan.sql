-- Purpose: counts what the plan that was just made for a destination does with each audience, and digests it: who is
-- told what, whom that names, with which email and traits, what waits and why, and which rows move. It is another
-- digest if any of that is another. Rows are added up, since they come in any order: two sums of 64 bits, by seeds that
-- only this state knows, so that nobody makes other rows with the same sums, or finds out by a digest who is in it.
-- That somebody is told once more before it expires is not in it: it says nothing new, and depends on the clock alone.
-- Rows: audience, property; added, removed, changed, told_again, covered (contacts that go), held, waiting (for another
-- reason), digest.
WITH own AS MATERIALIZED (
    SELECT
        installation.forget_key,
        ('x' || left(forget_hash(installation.forget_key, 'plan', 'first'), 16))::bit(64)::bigint AS first_seed,
        ('x' || left(forget_hash(installation.forget_key, 'plan', 'second'), 16))::bit(64)::bigint AS second_seed
    FROM installation
),
news AS (
    SELECT
        contact_change.*,
        CASE WHEN contact_change.op = 'refreshed' THEN 'covered' ELSE contact_change.op END AS said_op,
        CASE WHEN contact_change.op <> 'refreshed' THEN contact_change.waits END AS said_waits
    FROM contact_change
    WHERE contact_change.op <> 'refreshed'
        OR contact_change.entering_user_id IS NOT NULL
        OR EXISTS (
            SELECT FROM member_delta AS lost
            WHERE lost.kind = 'lose'
                AND NOT lost.still_named
                AND lost.contact = contact_change.contact
                AND lost.audience_id = contact_change.audience_id
        )
),
row_of AS (
    SELECT
        contact_change.audience_id,
        contact_change.said_op AS op,
        contact_change.said_waits AS waits,
        row(
            contact_change.contact,
            contact_change.said_op,
            contact_change.initial,
            contact_change.value,
            contact_change.trait_value,
            contact_change.entering_user_id,
            contact_change.said_waits,
            caller.user_id,
            caller.email,
            caller.traits
        )::text AS said
    FROM news AS contact_change
    LEFT JOIN caller ON caller.contact = contact_change.contact
    UNION ALL
    SELECT moved.audience_id, NULL, NULL, row(moved.contact, moved.kind, moved.user_id)::text
    FROM (
        SELECT DISTINCT member_delta.audience_id, member_delta.contact, member_delta.kind, member_delta.user_id
        FROM contact_change
        JOIN member_delta
            ON member_delta.contact = contact_change.contact
            AND member_delta.audience_id = contact_change.audience_id
        WHERE NOT contact_change.enters_alone
            AND (member_delta.kind = 'gain' OR (member_delta.kind = 'lose' AND NOT member_delta.still_named))
    ) AS moved
),
summed AS (
    SELECT
        row_of.audience_id,
        count(*) FILTER (WHERE row_of.op = 'added' AND row_of.waits IS NULL) AS added,
        count(*) FILTER (WHERE row_of.op = 'removed' AND row_of.waits IS NULL) AS removed,
        count(*) FILTER (WHERE row_of.op = 'trait_changed' AND row_of.waits IS NULL) AS changed,
        count(*) FILTER (WHERE row_of.op = 'reasserted' AND row_of.waits IS NULL) AS told_again,
        count(*) FILTER (WHERE row_of.op = 'covered') AS covered,
        count(*) FILTER (WHERE row_of.waits = 'held') AS held,
        count(*) FILTER (WHERE row_of.waits <> 'held') AS waiting,
        concat_ws(
            ' ',
            count(*),
            sum(hashtextextended(row_of.said, (SELECT own.first_seed FROM own))::numeric),
            sum(hashtextextended(row_of.said, (SELECT own.second_seed FROM own))::numeric)
        ) AS sums
    FROM row_of
    GROUP BY row_of.audience_id
)
SELECT
    plan_audience.name AS audience,
    plan_audience.property,
    coalesce(summed.added, 0) AS added,
    coalesce(summed.removed, 0) AS removed,
    coalesce(summed.changed, 0) AS changed,
    coalesce(summed.told_again, 0) AS told_again,
    coalesce(summed.covered, 0) AS covered,
    coalesce(summed.held, 0) AS held,
    coalesce(summed.waiting, 0) AS waiting,
    forget_hash(
        (SELECT own.forget_key FROM own), 'plan', concat_ws(chr(31), plan_audience.name, summed.sums)
    ) AS digest
FROM plan_audience
LEFT JOIN summed ON summed.audience_id = plan_audience.audience_id
ORDER BY plan_audience.name
