-- Purpose: the type of a computed trait's values is fixed when it is first sent.
-- Parameters: audience_id, value_type.
-- Rows: none.
UPDATE audience
SET value_type = %(value_type)s
WHERE audience_id = %(audience_id)s AND pinned_run_id IS NULL
