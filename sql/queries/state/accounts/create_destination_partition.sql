-- Purpose: creates the table for a destination's part of a partitioned table. attach_destination_partition makes it
-- that part. It is vacuumed once a twentieth of its rows are dead, not a fifth: so many more take place beside those
-- that live, in the table and in its indexes.
-- Placeholders: partition, parent (identifiers).
-- Rows: none.
CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
WITH (autovacuum_vacuum_scale_factor = 0.05)
