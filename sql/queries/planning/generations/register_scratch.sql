-- Purpose: notes tables before they are made at the warehouse, so that they are dropped there whatever becomes of the
-- run.
-- Parameters: place, scratch, names, run_id.
-- Rows: none.
INSERT INTO scratch_table (place, scratch, name, run_id)
SELECT %(place)s, %(scratch)s, made.name, %(run_id)s
FROM unnest(%(names)s::text[]) AS made (name)
