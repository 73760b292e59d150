-- Purpose: a destination's part of a partitioned table.
-- Placeholders: partition, parent (identifiers), destination_id (literal).
-- Rows: none.
CREATE TABLE IF NOT EXISTS {partition} PARTITION OF {parent} FOR VALUES IN ({destination_id})
