-- Purpose: the list of refused contacts gets those that a run's destinations refused, with the destination's words,
-- and those that had no answer in three runs in which they were alone in their request, and others were answered; what
-- is uncertain of these stays so, and until they answer they go last and alone. With other data than before the tries
-- are counted anew.
-- Parameters: run_id (of the run that is being closed, whose unanswered contacts are counted).
-- Rows: none.
INSERT INTO refused_contact (
    destination_id, contact, user_id, email, reason, http_status, fingerprint, added, removed, since, since_run_id,
    tries, next_try_run_id
)
WITH refused AS (
    SELECT destination_id, page, contact, part, reason, http_status
    FROM sync_exception
    WHERE run_id = %(run_id)s AND outcome = 'failed'
    UNION ALL
    SELECT
        sync_exception.destination_id,
        sync_exception.page,
        sync_exception.contact,
        sync_exception.part,
        'no answer in three runs in which others were answered, each time alone in its request',
        NULL
    FROM unanswered_contact
    JOIN sync_exception USING (destination_id, contact)
    JOIN run_destination USING (run_id, destination_id)
    WHERE sync_exception.run_id = %(run_id)s
        AND run_destination.answered
        AND sync_exception.outcome = 'unknown'
        AND sync_exception.alone
        AND unanswered_contact.alone >= 3
)
SELECT
    sync_change.destination_id,
    sync_change.contact,
    min(coalesce(sync_change.told_as, sync_change.user_id)),
    min(sync_change.email),
    (array_agg(refused.reason ORDER BY refused.part))[1],
    (array_agg(refused.http_status ORDER BY refused.part))[1],
    refusal_fingerprint(
        min(coalesce(sync_change.told_as, sync_change.user_id)),
        min(sync_change.email),
        min(sync_change.traits::text)::jsonb,
        jsonb_object_agg(sync_change.audience_id, sync_change.value)
    ),
    coalesce(array_agg(sync_change.audience_id) FILTER (WHERE sync_change.op = 'added'), '{}'),
    coalesce(array_agg(sync_change.audience_id) FILTER (WHERE sync_change.op = 'removed'), '{}'),
    clock_timestamp(),
    %(run_id)s,
    1,
    next_try(1, %(run_id)s)
FROM refused
JOIN sync_change USING (destination_id, page, contact, part)
WHERE sync_change.run_id = %(run_id)s AND sync_change.lead AND sync_change.op <> 'covered'
GROUP BY sync_change.destination_id, sync_change.contact
ON CONFLICT (destination_id, contact) DO UPDATE
SET (user_id, reason, http_status, fingerprint, added, removed, tries, next_try_run_id) = (
    SELECT
        excluded.user_id,
        excluded.reason,
        excluded.http_status,
        excluded.fingerprint,
        excluded.added,
        excluded.removed,
        again.tries,
        next_try(again.tries, %(run_id)s)
    FROM (
        SELECT CASE
            WHEN refused_contact.fingerprint = excluded.fingerprint THEN refused_contact.tries + 1
            ELSE 1
        END AS tries
    ) AS again
)
