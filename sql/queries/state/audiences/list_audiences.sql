-- Purpose: the audiences that the state knows.
-- Rows: audience_id, name, property, pinned, retired, is_trait, value_type.
SELECT audience_id, name, property, pinned_run_id IS NOT NULL AS pinned, retired_at IS NOT NULL AS retired,
    is_trait, value_type
FROM audience
ORDER BY audience_id
