-- Purpose: the status of every destination. What is pending is as old as the snapshot, or the moment, in which it was
-- first found: uncertain and refused contacts, held changes, and what runs planned and could not send, or deferred.
-- What is left uncertain, because there is nothing to be told, is not pending.
-- Counting in the order of an index reads nothing of other destinations.
-- Parameters: most (at which counting ends; null: never).
-- Rows: name, last_success_at, oldest_pending_at (null: nothing is pending), held, refused, parked, uncertain,
-- left_uncertain, skipped, error (why the last run that has ended stopped there; null: it did not).
WITH left_over AS (
    SELECT
        run_destination.destination_id,
        run.run_id,
        coalesce(run.snapshot_at, run.started_at) AS found_at,
        run_destination.aborted > 0
            OR (run.phase = 'planned' AND run_destination.planned > 0)
            OR (
                run.deferred > 0
                AND (
                    SELECT coalesce(sum(run_count.deferred), 0) > 0
                    FROM run_count
                    WHERE run_count.run_id = run_destination.run_id
                        AND run_count.destination_id = run_destination.destination_id
                )
            ) AS leaves
    FROM run_destination
    JOIN run USING (run_id)
    WHERE run.snapshot_at IS NOT NULL
)
SELECT
    destination.name,
    (
        SELECT max(run.finished_at)
        FROM run_destination
        JOIN run USING (run_id)
        WHERE run_destination.destination_id = destination.destination_id AND run_destination.status = 'succeeded'
    ) AS last_success_at,
    least(
        (
            SELECT coalesce(run.snapshot_at, run.started_at)
            FROM run
            WHERE run.run_id = (
                SELECT min(uncertain.since_run_id)
                FROM uncertain
                WHERE uncertain.destination_id = destination.destination_id AND uncertain.left_because IS NULL
            )
        ),
        (SELECT min(held_change.since) FROM held_change WHERE held_change.destination_id = destination.destination_id),
        (
            SELECT min(refused_contact.since)
            FROM refused_contact
            WHERE refused_contact.destination_id = destination.destination_id
        ),
        (
            -- Since the last run that left nothing: what one could not send, the next may not have sent either.
            SELECT min(left_over.found_at)
            FROM left_over
            WHERE left_over.destination_id = destination.destination_id
                AND left_over.leaves
                AND left_over.run_id > (
                    SELECT coalesce(max(clear.run_id), 0)
                    FROM left_over AS clear
                    WHERE clear.destination_id = destination.destination_id AND NOT clear.leaves
                )
        )
    ) AS oldest_pending_at,
    (
        SELECT count(*)
        FROM (
            SELECT FROM held_change
            WHERE held_change.destination_id = destination.destination_id
            ORDER BY held_change.since
            LIMIT %(most)s
        ) AS up_to
    ) AS held,
    (
        SELECT count(*)
        FROM (
            SELECT FROM refused_contact
            WHERE refused_contact.destination_id = destination.destination_id
            ORDER BY refused_contact.since
            LIMIT %(most)s
        ) AS up_to
    ) AS refused,
    (
        SELECT count(*)
        FROM (
            SELECT FROM refused_contact
            WHERE refused_contact.destination_id = destination.destination_id
                AND refused_contact.next_try_run_id IS NULL
            LIMIT %(most)s
        ) AS up_to
    ) AS parked,
    (
        SELECT count(*)
        FROM (
            SELECT FROM uncertain
            WHERE uncertain.destination_id = destination.destination_id AND uncertain.left_because IS NULL
            ORDER BY uncertain.since_run_id
            LIMIT %(most)s
        ) AS up_to
    ) AS uncertain,
    (
        SELECT count(*)
        FROM (
            SELECT FROM uncertain
            WHERE uncertain.destination_id = destination.destination_id AND uncertain.left_because IS NOT NULL
            LIMIT %(most)s
        ) AS up_to
    ) AS left_uncertain,
    (
        SELECT count(*)
        FROM (
            SELECT FROM skipped_member
            WHERE skipped_member.destination_id = destination.destination_id
            ORDER BY skipped_member.fingerprint
            LIMIT %(most)s
        ) AS up_to
    ) AS skipped,
    (
        SELECT run_destination.error
        FROM run_destination
        JOIN run USING (run_id)
        WHERE run_destination.destination_id = destination.destination_id
            AND run.phase = 'closed'
            AND run.rolls_back_run_id IS NULL
        ORDER BY run_destination.run_id DESC
        LIMIT 1
    ) AS error
FROM destination
ORDER BY destination.name
