-- Purpose: what is wrong and was alerted is this, and no more.
-- Parameters: kinds, subjects (parallel arrays).
-- Rows: none.
WITH wrong AS (
    SELECT given.kind, given.subject
    FROM unnest(%(kinds)s::text[], %(subjects)s::text[]) AS given (kind, subject)
),
mended AS (
    DELETE FROM alert
    WHERE NOT EXISTS (SELECT FROM wrong WHERE wrong.kind = alert.kind AND wrong.subject = alert.subject)
)
INSERT INTO alert (kind, subject)
SELECT wrong.kind, wrong.subject
FROM wrong
ON CONFLICT (kind, subject) DO NOTHING
