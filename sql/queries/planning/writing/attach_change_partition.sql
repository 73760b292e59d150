-- Purpose: makes a table the part of the history that holds a block of runs, which is dropped as a whole when it is old.
-- Builds its indexes. Whoever reads the history meanwhile is not kept waiting.
-- Placeholders: partition (identifier), first_run, end_run (literals; the end is excluded).
-- Rows: none.
ALTER TABLE sync_change ATTACH PARTITION {partition} FOR VALUES FROM ({first_run}) TO ({end_run})
