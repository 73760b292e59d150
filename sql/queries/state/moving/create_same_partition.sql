-- Purpose: the same partition as another state has.
-- Placeholders: partition, parent (identifiers), bound, options (SQL that PostgreSQL wrote).
-- Rows: none.
CREATE TABLE {partition} PARTITION OF {parent} {bound} {options}
