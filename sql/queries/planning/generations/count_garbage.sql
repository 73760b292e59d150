-- Purpose: counts the tables at the warehouse that this state made and needs no more.
-- Rows: one: tables.
SELECT count(*) AS tables
FROM scratch_table
WHERE NOT EXISTS (SELECT FROM base WHERE starts_with(scratch_table.name, base.scratch_table))
