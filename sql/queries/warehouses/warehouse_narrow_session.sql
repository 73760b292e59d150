-- Purpose: from here on, in this transaction, every function and operator is PostgreSQL's own.
-- Rows: none.
SET LOCAL search_path = pg_catalog, pg_temp
