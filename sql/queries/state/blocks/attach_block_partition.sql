-- Purpose: makes a table the part of the history that holds a block of runs, and builds its indexes. The part is
-- dropped as a whole when it is old. Readers of the history do not wait meanwhile.
-- Placeholders: partition, parent (identifiers), first_run, end_run (literals; the end is excluded).
-- Rows: none.
ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({first_run}) TO ({end_run})
