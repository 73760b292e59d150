-- Purpose: the part of the history that holds a block of runs; dropped as a whole when it is old.
-- Placeholders: partition (identifier), first_run, end_run (literals; the end is excluded).
-- Rows: none.
CREATE TABLE IF NOT EXISTS {partition} PARTITION OF sync_change FOR VALUES FROM ({first_run}) TO ({end_run})
