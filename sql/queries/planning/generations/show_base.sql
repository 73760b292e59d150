-- Purpose: shows the snapshot at the warehouse that a plan may compare with.
-- Rows: one, or none before the first plan: run_id, scratch_table, seal, sources, readings, countable, missing.
SELECT run_id, scratch_table, seal, sources, readings, countable, missing
FROM base
