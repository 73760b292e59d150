-- Purpose: lists the latest changes of these contacts. What became of a change is looked up for those that are listed,
-- each in the part of the history that it is in: somebody may have thousands.
-- Parameters: contacts, limit.
-- Rows: run_id, destination, audience, contact, user_id, op, value, status, failure_reason, attempted_at.
WITH latest AS MATERIALIZED (
    SELECT run_id, destination_id, page, part, audience_id, contact, user_id, op, value
    FROM sync_change
    WHERE contact = ANY (%(contacts)s::text[])
    ORDER BY run_id DESC
    FETCH FIRST %(limit)s ROWS WITH TIES
)
SELECT
    latest.run_id,
    destination.name AS destination,
    audience.name AS audience,
    latest.contact,
    latest.user_id,
    latest.op::text AS op,
    latest.value,
    status_of_change(called.status, excepted.outcome) AS status,
    excepted.reason AS failure_reason,
    CASE
        WHEN latest.op <> 'covered' AND excepted.outcome IS DISTINCT FROM 'aborted'
            THEN coalesce(excepted.attempted_at, called.attempted_at)
    END AS attempted_at
FROM latest
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
CROSS JOIN LATERAL (
    SELECT sync_page.status, sync_page.attempted_at
    FROM sync_page
    WHERE sync_page.run_id = latest.run_id
        AND sync_page.destination_id = latest.destination_id
        AND sync_page.page = latest.page
    LIMIT 1
) AS called
LEFT JOIN LATERAL (
    SELECT sync_exception.outcome, sync_exception.reason, sync_exception.attempted_at
    FROM sync_exception
    WHERE sync_exception.run_id = latest.run_id
        AND sync_exception.destination_id = latest.destination_id
        AND sync_exception.page = latest.page
        AND sync_exception.contact = latest.contact
        AND sync_exception.part = latest.part
    LIMIT 1
) AS excepted ON true
UNION ALL
SELECT
    held_changes.since_run_id,
    held_changes.destination,
    held_changes.audience,
    held_changes.contact,
    held_changes.user_id,
    held_changes.op,
    to_jsonb(held_changes.op <> 'removed'),
    'held',
    held_changes.reason,
    NULL
FROM held_changes
WHERE held_changes.contact = ANY (%(contacts)s::text[])
ORDER BY run_id DESC, destination, contact, audience, user_id
LIMIT %(limit)s
