-- Purpose: notes a table before it is made at the warehouse, so that it is dropped there whatever becomes of the run.
-- Parameters: scratch, name, run_id.
-- Rows: none.
INSERT INTO scratch_table (scratch, name, run_id) VALUES (%(scratch)s, %(name)s, %(run_id)s)
