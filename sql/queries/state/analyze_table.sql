-- Purpose: statistics after a table was filled at once.
-- Placeholders: target (identifier).
-- Rows: none.
ANALYZE {target}
