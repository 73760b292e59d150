-- Purpose: creates the table for a destination's part of a partitioned table. attach_destination_partition makes it
-- that part.
-- Placeholders: partition, parent (identifiers).
-- Rows: none.
CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
