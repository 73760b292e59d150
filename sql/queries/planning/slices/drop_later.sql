-- Purpose: drops what was not planned.
-- Rows: none.
DROP TABLE IF EXISTS later_delta, sliced_delta, later_audience
