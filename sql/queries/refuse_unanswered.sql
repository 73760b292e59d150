-- Purpose: a contact that had no answer three times although it was alone in its request is treated as refused.
-- Its value stays uncertain.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
WITH silent AS (
    DELETE FROM unanswered_contact AS u
    WHERE u.alone >= 3
    RETURNING u.destination_id, u.contact
)
INSERT INTO refused_contact (
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
FROM silent
JOIN sync_change AS c
    ON c.run_id = %(run_id)s AND c.destination_id = silent.destination_id AND c.contact = silent.contact
WHERE c.lead AND c.op <> 'covered'
GROUP BY silent.destination_id, silent.contact
ON CONFLICT (destination_id, contact) DO NOTHING
