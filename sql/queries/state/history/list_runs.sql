-- Purpose: the latest runs.
-- Parameters: limit.
-- Rows: run_id, trigger, status, started_at, finished_at, memberships, succeeded, failed, unknown, aborted, error.
SELECT
    r.run_id, r.trigger, r.status, r.started_at, r.finished_at, r.memberships,
    coalesce(sum(d.succeeded), 0)::bigint AS succeeded,
    coalesce(sum(d.failed), 0)::bigint AS failed,
    coalesce(sum(d.unknown), 0)::bigint AS unknown,
    coalesce(sum(d.aborted), 0)::bigint AS aborted,
    r.error
FROM (SELECT s.run_id, s.trigger, s.status, s.started_at, s.finished_at, s.memberships, s.error
    FROM sync_runs AS s ORDER BY s.run_id DESC LIMIT %(limit)s) AS r
LEFT JOIN sync_run_destinations AS d USING (run_id)
GROUP BY r.run_id, r.trigger, r.status, r.started_at, r.finished_at, r.memberships, r.error
ORDER BY r.run_id DESC
