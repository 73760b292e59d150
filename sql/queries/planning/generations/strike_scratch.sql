-- Purpose: strikes tables that are no longer at the warehouse, but never those that plans compare with.
-- Parameters: names.
-- Rows: none.
DELETE FROM scratch_table
WHERE name = ANY (%(names)s::text[])
    AND NOT EXISTS (SELECT FROM base WHERE starts_with(scratch_table.name, base.scratch_table))
