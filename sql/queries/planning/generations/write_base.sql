-- Purpose: makes this snapshot the one that the next run compares with, or none. Where there is none, as before and for
-- the same reason, nothing is written.
-- Parameters: run_id, scratch_table, seal, sources, readings (if there is none, null, but for readings), countable,
-- missing.
-- Rows: none.
INSERT INTO base (run_id, scratch_table, seal, sources, readings, countable, missing)
VALUES (%(run_id)s, %(scratch_table)s, %(seal)s, %(sources)s, %(readings)s, %(countable)s, %(missing)s)
ON CONFLICT (only_row) DO UPDATE
SET run_id = excluded.run_id,
    scratch_table = excluded.scratch_table,
    seal = excluded.seal,
    sources = excluded.sources,
    readings = excluded.readings,
    countable = excluded.countable,
    missing = excluded.missing
WHERE excluded.missing IS NULL
    OR (base.missing, base.countable) IS DISTINCT FROM (excluded.missing, excluded.countable)
