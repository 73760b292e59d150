-- Purpose: makes a table a destination's part of a partitioned table. Readers do not wait meanwhile, nor does this wait
-- for readers.
-- Placeholders: partition, parent (identifiers), destination_id (literal).
-- Rows: none.
ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES IN ({destination_id})
