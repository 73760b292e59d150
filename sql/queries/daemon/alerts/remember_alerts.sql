-- Purpose: what is wrong and was told is this, and no more.
-- Parameters: kinds, subjects (parallel arrays).
-- Rows: none.
WITH listed AS (
    SELECT a.kind, a.subject
    FROM unnest(%(kinds)s::text[], %(subjects)s::text[]) AS a (kind, subject)
),
gone AS (
    DELETE FROM alert AS a
    WHERE NOT EXISTS (SELECT FROM listed WHERE listed.kind = a.kind AND listed.subject = a.subject)
)
INSERT INTO alert (kind, subject)
SELECT listed.kind, listed.subject
FROM listed
ON CONFLICT (kind, subject) DO NOTHING
