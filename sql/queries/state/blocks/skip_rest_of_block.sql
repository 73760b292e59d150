-- Purpose: ends the block of the newest run, if that has enough runs and lasts too long, by leaving out the numbers of
-- runs that it has left: the bounds of its partitions cannot be moved while somebody reads them.
-- Parameters: runs (that are enough), seconds (that are too long).
-- Rows: last (the number that comes before that of the next run), if any are left out.
SELECT
    setval(
        pg_get_serial_sequence(quote_ident(current_schema()) || '.run', 'run_id'), history_block.end_run - 1
    ) AS last
FROM (SELECT max(run.run_id) AS run_id FROM run) AS newest
JOIN history_block ON history_block.first_run <= newest.run_id AND history_block.end_run > newest.run_id + 1
WHERE newest.run_id - history_block.first_run + 1 >= %(runs)s
    AND (
        SELECT run.started_at FROM run WHERE run.run_id >= history_block.first_run ORDER BY run.run_id LIMIT 1
    ) < now() - make_interval(secs => %(seconds)s)
