-- Purpose: the latest reconciliation of a destination that was broken off and asks for the same.
-- Parameters: destination_id, audience_ids (null: all), sample (null: all), repairs, scheduled.
-- Rows: none or one: reconciliation_id.
SELECT reconciliation_id
FROM reconciliation
WHERE destination_id = %(destination_id)s
    AND finished_at IS NULL
    AND audience_ids IS NOT DISTINCT FROM %(audience_ids)s::integer[]
    AND sample IS NOT DISTINCT FROM %(sample)s::integer
    AND repairs = %(repairs)s
    AND scheduled = %(scheduled)s
ORDER BY reconciliation_id DESC
LIMIT 1
