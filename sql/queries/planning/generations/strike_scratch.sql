-- Purpose: strikes tables that are no longer at the warehouse, but never the one that plans compare with.
-- Parameters: names.
-- Rows: none.
DELETE FROM scratch_table
WHERE name = ANY (%(names)s::text[])
    AND NOT EXISTS (SELECT FROM base WHERE base.scratch_table = scratch_table.name)
