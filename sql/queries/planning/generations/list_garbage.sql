-- Purpose: lists the tables at the warehouse that this state made and needs no more: all but those whose names begin
-- with that of the snapshot that plans compare with.
-- Parameters: place (the database that is the warehouse now).
-- Rows: scratch, name.
SELECT scratch_table.scratch, scratch_table.name
FROM scratch_table
WHERE scratch_table.place = %(place)s
    AND NOT EXISTS (SELECT FROM base WHERE starts_with(scratch_table.name, base.scratch_table))
ORDER BY scratch_table.scratch, scratch_table.name
