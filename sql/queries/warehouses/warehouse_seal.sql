-- Purpose: what the rows of a table add up to: their number, the sum of what each adds up to, and how many are not what
-- they are noted to be. It is a sum because in an exclusive or a row that occurs twice would cancel itself out.
-- Placeholders: table, digest (the expression warehouse_row_digest).
-- Rows: one: seal.
SELECT
    count(*)::text || ' ' || coalesce(sum(found.digest), 0)::text || ' '
    || (count(*) FILTER (WHERE found.digest IS DISTINCT FROM found.noted))::text AS seal
FROM (SELECT digest AS noted, {digest} AS digest FROM {table}) AS found
