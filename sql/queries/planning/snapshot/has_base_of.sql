-- Purpose: says whether the plans still compare with the snapshot of this run.
-- Parameters: run_id, scratch_table.
-- Rows: one: found.
SELECT EXISTS (
    SELECT FROM base WHERE base.run_id = %(run_id)s AND base.scratch_table = %(scratch_table)s
) AS found
