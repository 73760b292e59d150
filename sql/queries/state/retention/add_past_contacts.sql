-- Purpose: what is about to be dropped leaves behind whom calls were about, so that they can still be forgotten: those
-- who are members to this day aside.
-- Parameters: first_run, end_run (excluded): those of a partition.
-- Rows: none.
INSERT INTO past_contact (destination_id, contact, user_id, email)
SELECT DISTINCT sync_change.destination_id, sync_change.contact, called.user_id, sync_change.email
FROM sync_change
JOIN sync_page USING (run_id, destination_id, page)
LEFT JOIN sync_exception
    ON sync_exception.run_id = sync_change.run_id
    AND sync_exception.destination_id = sync_change.destination_id
    AND sync_exception.page = sync_change.page
    AND sync_exception.contact = sync_change.contact
    AND sync_exception.part = sync_change.part
CROSS JOIN LATERAL (
    SELECT sync_change.user_id
    UNION
    SELECT sync_change.told_as WHERE sync_change.told_as IS NOT NULL
) AS called (user_id)
WHERE sync_change.run_id >= %(first_run)s
    AND sync_change.run_id < %(end_run)s
    AND sync_page.status IN ('sending', 'done')
    AND sync_exception.outcome IS DISTINCT FROM 'aborted'
    AND NOT is_token(sync_change.contact)
    AND NOT EXISTS (
        SELECT FROM synced_member
        WHERE synced_member.destination_id = sync_change.destination_id
            AND synced_member.contact = sync_change.contact
            AND synced_member.user_id = called.user_id
            AND coalesce(synced_member.email, '') = coalesce(sync_change.email, '')
    )
ON CONFLICT DO NOTHING
