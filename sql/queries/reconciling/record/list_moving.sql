-- Purpose: what of these contacts may be otherwise at the destination any moment: its last call has no answer, or a run
-- that is under way is about to tell it, or does.
-- Parameters: destination_id, contacts.
-- Rows: contact, audience_id.
SELECT contact, audience_id
FROM uncertain
WHERE destination_id = %(destination_id)s AND contact = ANY (%(contacts)s::text[])
UNION
SELECT sync_change.contact, sync_change.audience_id
FROM run
JOIN sync_change USING (run_id)
JOIN sync_page USING (run_id, destination_id, page)
WHERE run.phase <> 'closed'
    AND sync_change.destination_id = %(destination_id)s
    AND sync_change.contact = ANY (%(contacts)s::text[])
    AND sync_page.status IN ('planned', 'sending')
