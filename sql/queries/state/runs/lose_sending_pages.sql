-- Purpose: when a run is closed, by itself or by the next one's first step, pages that are still `sending` belonged to
-- a process or a connection that is gone: whether they arrived nobody knows. Their identifies end unknown and their
-- properties become uncertain.
-- Parameters: run_id (of the run that is being closed).
-- Rows: none.
WITH lost AS (
    UPDATE sync_page AS p
    SET status = 'done', settled_at = clock_timestamp()
    WHERE p.run_id = %(run_id)s AND p.status = 'sending'
    RETURNING p.destination_id, p.page, p.attempted_at
),
change AS MATERIALIZED (
    SELECT c.destination_id, c.page, c.contact, c.part, c.audience_id, coalesce(c.told_as, c.user_id) AS caller,
        c.email, lost.attempted_at
    FROM lost
    JOIN sync_change AS c
        ON c.run_id = %(run_id)s AND c.destination_id = lost.destination_id AND c.page = lost.page
    WHERE c.lead
),
unknown AS (
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, attempted_at)
    SELECT DISTINCT %(run_id)s::integer, c.destination_id, c.page, c.contact, c.part, 'unknown'::identify_outcome,
        'the answer was lost before it could be recorded', c.attempted_at
    FROM change AS c
)
INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
SELECT c.destination_id, c.audience_id, %(run_id)s, c.contact, c.caller, c.email
FROM change AS c
ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
SET user_id = excluded.user_id
