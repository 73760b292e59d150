-- Purpose: from here on, in this transaction, every function and operator is PostgreSQL's own, and nobody who holds a
-- table of the scratch schema can keep a run waiting.
-- Rows: none.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL lock_timeout = '5s'
