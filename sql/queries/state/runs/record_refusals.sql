-- Purpose: the contacts that a run's destinations refused are listed, with the words of the destination and the run
-- that tries again: the next one, then after 2, 4, 8 and 16 runs, then none (parked). With other data it counts anew.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
INSERT INTO refused_contact AS r (
    destination_id, contact, user_id, email, reason, http_status, fingerprint, since, since_run_id, tries,
    next_try_run_id
)
SELECT
    failed.destination_id,
    failed.contact,
    min(coalesce(c.told_as, c.user_id)),
    min(c.email),
    failed.reason,
    failed.http_status,
    md5(
        min(coalesce(c.told_as, c.user_id)) || coalesce(' ' || min(c.email), '') || coalesce(' ' || min(c.traits::text), '')
        || string_agg(' ' || c.audience_id || '=' || c.value::text, '' ORDER BY c.audience_id)
    ),
    clock_timestamp(),
    %(run_id)s,
    1,
    %(run_id)s + 1
FROM (
    SELECT DISTINCT ON (e.destination_id, e.contact) e.destination_id, e.contact, e.reason, e.http_status
    FROM sync_exception AS e
    WHERE e.run_id = %(run_id)s AND e.outcome = 'failed'
    ORDER BY e.destination_id, e.contact, e.part
) AS failed
JOIN sync_change AS c
    ON c.run_id = %(run_id)s AND c.destination_id = failed.destination_id AND c.contact = failed.contact
JOIN sync_exception AS refused
    ON refused.run_id = %(run_id)s AND refused.destination_id = c.destination_id AND refused.page = c.page
    AND refused.contact = c.contact AND refused.part = c.part AND refused.outcome = 'failed'
WHERE c.lead AND c.op <> 'covered'
GROUP BY failed.destination_id, failed.contact, failed.reason, failed.http_status
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
