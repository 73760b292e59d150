-- Purpose: the runs that ended long ago and are not added up yet: those before the first that is young or open, since
-- runs end in the order in which they begin.
-- Parameters: keep (seconds).
-- Rows: run_id; the oldest first.
SELECT run.run_id
FROM installation
LEFT JOIN LATERAL (
    SELECT later.run_id
    FROM run AS later
    WHERE later.run_id >= installation.added_up_run
        AND (later.phase <> 'closed' OR later.finished_at >= clock_timestamp() - make_interval(secs => %(keep)s))
    ORDER BY later.run_id
    LIMIT 1
) AS young ON true
JOIN run ON run.run_id >= installation.added_up_run AND run.run_id < coalesce(young.run_id, 2147483647)
ORDER BY run.run_id
