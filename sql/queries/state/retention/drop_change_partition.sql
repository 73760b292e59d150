-- Purpose: a part of the history goes, as a whole.
-- Placeholders: partition (identifier).
-- Rows: none.
DROP TABLE {partition}
