-- Purpose: a part of the history goes, as a whole. A block in which no run was planned has none.
-- Placeholders: partition (identifier).
-- Rows: none.
DROP TABLE IF EXISTS {partition}
