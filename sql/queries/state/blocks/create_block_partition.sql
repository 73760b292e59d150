-- Purpose: creates the table of a block of runs. attach_block_partition makes it a part of the history.
-- Placeholders: partition, parent (identifiers).
-- Rows: none.
CREATE TABLE {partition} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
