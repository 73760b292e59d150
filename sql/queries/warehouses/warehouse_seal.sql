-- Purpose: what the rows of a table add up to: their number, and the sum of their hashes. It is a sum because in an
-- exclusive or a row that occurs twice would cancel itself out.
-- Placeholders: table, row_hash (warehouse_row_hash).
-- Rows: one: seal.
SELECT count(*)::text || ' ' || coalesce(sum({row_hash}), 0)::text AS seal
FROM {table}
