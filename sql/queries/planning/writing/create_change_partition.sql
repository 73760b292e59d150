-- Purpose: what is going to be the part of the history that holds a block of runs (see attach_change_partition).
-- Placeholders: partition (identifier).
-- Rows: none.
CREATE TABLE {partition} (LIKE sync_change INCLUDING DEFAULTS)
