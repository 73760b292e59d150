-- Purpose: the type of a computed trait's values is fixed when it is first sent.
-- Parameters: audience_id, value_type.
-- Rows: none.
UPDATE audience AS a
SET value_type = %(value_type)s
WHERE a.audience_id = %(audience_id)s AND a.pinned_run_id IS NULL
