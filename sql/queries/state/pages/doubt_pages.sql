-- Purpose: pages that were sent and turned out to be another process's by then: it has closed their run, and perhaps
-- told their contacts something else in the meantime. What arrived last is not known, so they are uncertain once more.
-- Parameters: run_id, destination_id, pages.
-- Rows: none.
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
SELECT destination_id, audience_id, run_id, contact, coalesce(told_as, user_id), email
FROM sync_change
WHERE run_id = %(run_id)s
    AND destination_id = %(destination_id)s
    AND page = ANY (%(pages)s::integer[])
    AND lead
    AND op <> 'covered'
    AND NOT is_token(contact)
ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
SET left_because = NULL
