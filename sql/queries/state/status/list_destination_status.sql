-- Purpose: the status of every destination. What is pending is as old as the snapshot, or the moment, in which it was
-- first found: uncertain and refused contacts, held changes, and what runs planned and could not send, or deferred.
-- Rows: name, last_success_at, oldest_pending_at (null: nothing is pending), held, refused, parked, uncertain, skipped.
WITH left_over AS (
    SELECT
        d.destination_id,
        r.run_id,
        r.snapshot_at,
        r.started_at,
        d.aborted > 0
            OR (r.phase = 'planned' AND d.planned > 0)
            OR EXISTS (
                SELECT FROM run_count AS n
                WHERE n.run_id = d.run_id AND n.destination_id = d.destination_id AND n.deferred > 0
            ) AS leaves
    FROM run_destination AS d
    JOIN run AS r USING (run_id)
    WHERE r.snapshot_at IS NOT NULL
)
SELECT
    destination.name,
    (
        SELECT max(r.finished_at)
        FROM run_destination AS d
        JOIN run AS r USING (run_id)
        WHERE d.destination_id = destination.destination_id AND d.status = 'succeeded'
    ) AS last_success_at,
    least(
        (
            SELECT min(coalesce(r.snapshot_at, r.started_at))
            FROM run AS r
            WHERE r.run_id IN (
                SELECT u.since_run_id FROM uncertain AS u WHERE u.destination_id = destination.destination_id
            )
        ),
        (SELECT min(h.since) FROM held_change AS h WHERE h.destination_id = destination.destination_id),
        (SELECT min(f.since) FROM refused_contact AS f WHERE f.destination_id = destination.destination_id),
        (
            -- Since the last run that left nothing there: what one could not send, the next one may not have sent either.
            SELECT min(coalesce(r.snapshot_at, r.started_at))
            FROM left_over AS r
            WHERE r.destination_id = destination.destination_id
                AND r.leaves
                AND r.run_id > (
                    SELECT coalesce(max(clear.run_id), 0)
                    FROM left_over AS clear
                    WHERE clear.destination_id = destination.destination_id AND NOT clear.leaves
                )
        )
    ) AS oldest_pending_at,
    (SELECT count(*) FROM held_change AS h WHERE h.destination_id = destination.destination_id) AS held,
    (SELECT count(*) FROM refused_contact AS f WHERE f.destination_id = destination.destination_id) AS refused,
    (
        SELECT count(*)
        FROM refused_contact AS f
        WHERE f.destination_id = destination.destination_id AND f.next_try_run_id IS NULL
    ) AS parked,
    (SELECT count(*) FROM uncertain AS u WHERE u.destination_id = destination.destination_id) AS uncertain,
    (SELECT count(*) FROM skipped_member AS s WHERE s.destination_id = destination.destination_id) AS skipped
FROM destination
ORDER BY destination.name
