-- Purpose: a contact that had no answer three times although it was alone in its request is treated as refused, by that
-- run and by every later try that ends the same. Its value stays uncertain, and until it answers it goes last and alone.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
INSERT INTO refused_contact AS r (
    destination_id, contact, user_id, email, reason, http_status, fingerprint, since, since_run_id, tries,
    next_try_run_id
)
SELECT
    silent.destination_id,
    silent.contact,
    min(coalesce(c.told_as, c.user_id)),
    min(c.email),
    'no answer in three runs, each time alone in its request',
    NULL,
    md5(
        min(coalesce(c.told_as, c.user_id))
        || string_agg(' ' || c.audience_id || '=' || c.value::text, '' ORDER BY c.audience_id)
    ),
    clock_timestamp(),
    %(run_id)s,
    1,
    %(run_id)s + 1
FROM unanswered_contact AS silent
JOIN sync_change AS c
    ON c.run_id = %(run_id)s AND c.destination_id = silent.destination_id AND c.contact = silent.contact
WHERE silent.alone >= 3
    AND c.lead
    AND c.op <> 'covered'
    AND EXISTS (
        SELECT FROM sync_exception AS e
        WHERE e.run_id = %(run_id)s AND e.destination_id = silent.destination_id AND e.contact = silent.contact
            AND e.outcome = 'unknown' AND e.alone
    )
GROUP BY silent.destination_id, silent.contact
ON CONFLICT (destination_id, contact) DO UPDATE
SET user_id = excluded.user_id,
    reason = excluded.reason,
    http_status = excluded.http_status,
    fingerprint = excluded.fingerprint,
    tries = CASE WHEN r.fingerprint = excluded.fingerprint THEN r.tries + 1 ELSE 1 END,
    next_try_run_id = CASE
        WHEN r.fingerprint <> excluded.fingerprint THEN excluded.next_try_run_id
        WHEN r.tries < 5 THEN %(run_id)s + power(2, r.tries)::integer
    END
