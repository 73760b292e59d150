-- Purpose: the audiences that the state knows.
-- Rows: audience_id, name, property, pinned, retired, is_trait, value_type.
SELECT a.audience_id, a.name, a.property, a.pinned_run_id IS NOT NULL AS pinned, a.retired_at IS NOT NULL AS retired,
    a.is_trait, a.value_type
FROM audience AS a
ORDER BY a.audience_id
