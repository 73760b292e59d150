-- Purpose: lists the tables that this state made in databases that are not the warehouse any more, and cannot drop.
-- Parameters: place (the database that is the warehouse now; null: there is no scratch schema).
-- Rows: place, scratch, name.
SELECT scratch_table.place, scratch_table.scratch, scratch_table.name
FROM scratch_table
WHERE scratch_table.place IS DISTINCT FROM %(place)s
ORDER BY scratch_table.place, scratch_table.scratch, scratch_table.name
