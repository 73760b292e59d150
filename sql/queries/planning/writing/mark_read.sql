-- Purpose: notes what of the snapshot's rows was read for the plan of a run.
-- Parameters: run_id; read, because, rows, size.
-- Rows: none.
UPDATE run
SET read = %(read)s, read_because = %(because)s, read_rows = %(rows)s, read_bytes = %(size)s
WHERE run_id = %(run_id)s
