-- Purpose: recounts what was copied.
-- Placeholders: source (identifier).
-- Rows: one: rows.
SELECT count(*) AS rows FROM {source}
