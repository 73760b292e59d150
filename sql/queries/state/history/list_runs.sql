-- Purpose: the latest runs.
-- Parameters: limit.
-- Rows: run_id, trigger, status, started_at, finished_at, memberships, succeeded, failed, unknown, aborted, error.
SELECT
    latest.run_id,
    latest.trigger,
    latest.status,
    latest.started_at,
    latest.finished_at,
    latest.memberships,
    coalesce(sum(sync_run_destinations.succeeded), 0)::bigint AS succeeded,
    coalesce(sum(sync_run_destinations.failed), 0)::bigint AS failed,
    coalesce(sum(sync_run_destinations.unknown), 0)::bigint AS unknown,
    coalesce(sum(sync_run_destinations.aborted), 0)::bigint AS aborted,
    latest.error
FROM (
    SELECT run_id, trigger, status, started_at, finished_at, memberships, error
    FROM sync_runs
    ORDER BY run_id DESC
    LIMIT %(limit)s
) AS latest
LEFT JOIN sync_run_destinations USING (run_id)
GROUP BY
    latest.run_id,
    latest.trigger,
    latest.status,
    latest.started_at,
    latest.finished_at,
    latest.memberships,
    latest.error
ORDER BY latest.run_id DESC
