-- Purpose: goes on numbering where another state stopped. Unlike setval, it is undone with its transaction.
-- Placeholders: target, field (identifiers), number (literal).
-- Rows: none.
ALTER TABLE {target} ALTER COLUMN {field} RESTART WITH {number}
