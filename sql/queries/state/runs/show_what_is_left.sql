-- Purpose: says what there is for the steps that close a run. A page that is still being sent ends as exceptions.
-- Parameters: run_id.
-- Rows: one: sending, unsent (pages), changes, exceptions, counted (audiences), of the run; and if it has changes,
-- unanswered, refused, approved (holds), users_told_false, of all runs.
SELECT
    paged.sending > 0 AS sending,
    paged.unsent > 0 AS unsent,
    paged.pages > 0 AS changes,
    paged.sending > 0 OR EXISTS (SELECT FROM sync_exception WHERE run_id = %(run_id)s) AS exceptions,
    EXISTS (SELECT FROM run_count WHERE run_id = %(run_id)s) AS counted,
    paged.pages > 0 AND EXISTS (SELECT FROM unanswered_contact) AS unanswered,
    paged.pages > 0 AND EXISTS (SELECT FROM refused_contact) AS refused,
    paged.pages > 0 AND EXISTS (SELECT FROM held_change WHERE approved_at IS NOT NULL) AS approved,
    paged.sending > 0 OR (paged.pages > 0 AND EXISTS (SELECT FROM user_told_false)) AS users_told_false
FROM (
    SELECT
        count(*) AS pages,
        count(*) FILTER (WHERE status = 'sending') AS sending,
        count(*) FILTER (WHERE status = 'planned') AS unsent
    FROM sync_page
    WHERE run_id = %(run_id)s
) AS paged
