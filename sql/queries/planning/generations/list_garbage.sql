-- Purpose: lists the tables at the warehouse that this state made and needs no more.
-- Parameters: scratch (where they are).
-- Rows: name.
SELECT scratch_table.name
FROM scratch_table
WHERE scratch_table.scratch = %(scratch)s
    AND NOT EXISTS (SELECT FROM base WHERE base.scratch_table = scratch_table.name)
ORDER BY scratch_table.name
