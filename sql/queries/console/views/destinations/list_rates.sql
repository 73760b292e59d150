-- Purpose: what every destination points at, and how the identifies of its latest runs ended there.
-- Parameters: runs (how many of the latest).
-- Rows: name, type, endpoint, identity, runs, planned, succeeded, failed, unknown, aborted, requests, retries.
SELECT
    destination.name,
    destination.account ->> 'type' AS type,
    destination.account ->> 'endpoint' AS endpoint,
    destination.account ->> 'identity' AS identity,
    count(recent.run_id) AS runs,
    coalesce(sum(recent.planned), 0)::bigint AS planned,
    coalesce(sum(recent.succeeded), 0)::bigint AS succeeded,
    coalesce(sum(recent.failed), 0)::bigint AS failed,
    coalesce(sum(recent.unknown), 0)::bigint AS unknown,
    coalesce(sum(recent.aborted), 0)::bigint AS aborted,
    coalesce(sum(recent.requests), 0)::bigint AS requests,
    coalesce(sum(recent.retries), 0)::bigint AS retries
FROM destination
LEFT JOIN run_destination AS recent
    ON recent.destination_id = destination.destination_id
    AND recent.run_id > (SELECT coalesce(max(run.run_id), 0) FROM run) - %(runs)s
GROUP BY destination.destination_id
ORDER BY destination.name
