-- Purpose: the audiences that the state knows.
-- Rows: audience_id, name, property, pinned.
SELECT a.audience_id, a.name, a.property, a.pinned_run_id IS NOT NULL AS pinned
FROM audience AS a
ORDER BY a.audience_id
