-- Purpose: creates the table of a block of runs. attach_change_partition makes it a part of the history.
-- Placeholders: partition (identifier).
-- Rows: none.
CREATE TABLE {partition} (LIKE sync_change INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
