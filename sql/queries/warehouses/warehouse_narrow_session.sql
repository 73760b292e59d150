-- Purpose: from here on, in this transaction, every function and operator is PostgreSQL's own, a table with policies is
-- refused, since they may run functions of others, and nobody who holds a table of the scratch schema can keep a run
-- waiting.
-- Rows: none.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL row_security = off;
SET LOCAL lock_timeout = '5s'
