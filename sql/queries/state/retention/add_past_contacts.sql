-- Purpose: an old run, whose history is dropped later, leaves behind whom calls were about, so that they can still be
-- forgotten: those who are members to this day aside, of whom a later run has to tell before they are none. Members are
-- looked up, in the order of their index: to read them all would take longer than the run has changes, nearly always.
-- Parameters: run_id.
-- Rows: none.
INSERT INTO past_contact (destination_id, contact, user_id, email)
SELECT told.destination_id, told.contact, told.user_id, told.email
FROM (
    SELECT DISTINCT sync_change.destination_id, sync_change.contact, called.user_id, sync_change.email
    FROM sync_change
    JOIN sync_page USING (run_id, destination_id, page)
    LEFT JOIN sync_exception
        ON sync_exception.run_id = sync_change.run_id
        AND sync_exception.destination_id = sync_change.destination_id
        AND sync_exception.page = sync_change.page
        AND sync_exception.contact = sync_change.contact
        AND sync_exception.part = sync_change.part
    CROSS JOIN LATERAL unnest(ARRAY[sync_change.user_id, sync_change.told_as]) AS called (user_id)
    WHERE sync_change.run_id = %(run_id)s
        AND called.user_id IS NOT NULL
        AND sync_page.status IN ('sending', 'done')
        AND sync_exception.outcome IS DISTINCT FROM 'aborted'
        AND NOT is_token(sync_change.contact)
    ORDER BY sync_change.contact
) AS told
LEFT JOIN LATERAL (
    SELECT true AS is_member
    FROM synced_member
    WHERE synced_member.destination_id = told.destination_id
        AND synced_member.contact = told.contact
        -- No plan may look a user up here: one may have a million contacts.
        AND synced_member.user_id IS NOT DISTINCT FROM told.user_id
        AND synced_member.email IS NOT DISTINCT FROM told.email
    LIMIT 1
) AS still ON true
WHERE still.is_member IS NULL
ON CONFLICT DO NOTHING
