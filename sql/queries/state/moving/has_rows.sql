-- Purpose: whether there is anything in a table.
-- Placeholders: source (identifier).
-- Rows: one: found.
SELECT EXISTS (SELECT FROM {source}) AS found
