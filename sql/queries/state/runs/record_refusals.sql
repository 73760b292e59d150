-- Purpose: the list of refused contacts gets those that a run's destinations refused, with the destination's words, and
-- those that had no answer in three runs in which they were alone in their request; what is uncertain of these stays so,
-- and until they answer they go last and alone. With other data than before the tries are counted anew.
-- Parameters: run_id (of the run that is being closed, whose unanswered contacts are counted).
-- Rows: none.
INSERT INTO refused_contact AS known (
    destination_id, contact, user_id, email, reason, http_status, fingerprint, since, since_run_id, tries,
    next_try_run_id
)
SELECT
    change.destination_id,
    change.contact,
    min(coalesce(change.told_as, change.user_id)),
    min(change.email),
    (array_agg(refused.reason ORDER BY refused.part))[1],
    (array_agg(refused.http_status ORDER BY refused.part))[1],
    refusal_fingerprint(
        min(coalesce(change.told_as, change.user_id)),
        min(change.email),
        min(change.traits::text)::jsonb,
        jsonb_object_agg(change.audience_id, change.value)
    ),
    clock_timestamp(),
    %(run_id)s,
    1,
    next_try(1, %(run_id)s)
FROM (
    SELECT e.destination_id, e.page, e.contact, e.part, e.reason, e.http_status
    FROM sync_exception AS e
    WHERE e.run_id = %(run_id)s AND e.outcome = 'failed'
    UNION ALL
    SELECT e.destination_id, e.page, e.contact, e.part, 'no answer in three runs, each time alone in its request', NULL
    FROM unanswered_contact AS silent
    JOIN sync_exception AS e
        ON e.run_id = %(run_id)s AND e.destination_id = silent.destination_id AND e.contact = silent.contact
    WHERE silent.alone >= 3 AND e.outcome = 'unknown' AND e.alone
) AS refused
JOIN sync_change AS change
    ON change.run_id = %(run_id)s AND change.destination_id = refused.destination_id AND change.page = refused.page
    AND change.contact = refused.contact AND change.part = refused.part
WHERE change.lead AND change.op <> 'covered'
GROUP BY change.destination_id, change.contact
ON CONFLICT (destination_id, contact) DO UPDATE
SET (user_id, reason, http_status, fingerprint, tries, next_try_run_id) = (
    SELECT excluded.user_id, excluded.reason, excluded.http_status, excluded.fingerprint, again.tries,
        next_try(again.tries, %(run_id)s)
    FROM (
        SELECT CASE WHEN known.fingerprint = excluded.fingerprint THEN known.tries + 1 ELSE 1 END AS tries
    ) AS again
)
