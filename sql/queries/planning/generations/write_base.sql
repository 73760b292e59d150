-- Purpose: makes this snapshot the one that the next run compares with, or none.
-- Parameters: run_id, scratch_table, seal, sources, readings (if there is none, null, but for readings), missing.
-- Rows: none.
INSERT INTO base (run_id, scratch_table, seal, sources, readings, missing)
VALUES (%(run_id)s, %(scratch_table)s, %(seal)s, %(sources)s, %(readings)s, %(missing)s)
ON CONFLICT (only_row) DO UPDATE
SET run_id = excluded.run_id,
    scratch_table = excluded.scratch_table,
    seal = excluded.seal,
    sources = excluded.sources,
    readings = excluded.readings,
    missing = excluded.missing
