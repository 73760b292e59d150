-- Purpose: takes a slice out of those that wait.
-- Placeholders: slice (identifier).
-- Rows: none.
ALTER TABLE sliced_delta DETACH PARTITION {slice}
