-- Purpose: leaves out the numbers of runs that a restored state does not know of, with room for those of other
-- machines.
-- Parameters: lost_run_id (the last that is known of; 0: none).
-- Rows: one: last.
SELECT setval(
    pg_get_serial_sequence(quote_ident(current_schema()) || '.run', 'run_id'),
    greatest((SELECT max(run.run_id) FROM run), %(lost_run_id)s::integer, 0) + 1000
) AS last
