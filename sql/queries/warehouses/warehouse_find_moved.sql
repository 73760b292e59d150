-- Purpose: finds who moved: the users in an audience of whom two tables have different rows. Rows are paired by what
-- they add up to, which is quick, and then compared themselves: of two different rows that add up to the same, both
-- have moved, and nothing is missed. That somebody has a row twice is no difference.
-- Placeholders: now, base.
-- Rows: none.
CREATE TEMPORARY TABLE syncer_moved ON COMMIT DROP AS
SELECT DISTINCT about.audience, about.user_id
FROM {now} AS now
FULL JOIN {base} AS base ON base.digest = now.digest
CROSS JOIN LATERAL (VALUES (now.audience, now.user_id), (base.audience, base.user_id)) AS about (audience, user_id)
WHERE (now.audience, now.user_id, now.email, now.unsendable)
    IS DISTINCT FROM (base.audience, base.user_id, base.email, base.unsendable)
    AND about.audience IS NOT NULL
    AND about.user_id IS NOT NULL
