-- Purpose: limits how long each of the next statements of this transaction may take, or wait for a lock.
-- Placeholders: statement, lock (in the words of PostgreSQL; 0 for none).
-- Rows: none.
SET LOCAL statement_timeout = {statement};
SET LOCAL lock_timeout = {lock}
