-- Purpose: limits how long each of the next statements of this transaction may take.
-- Parameters: limit, in the words of PostgreSQL; 0 for no limit.
-- Rows: one, of no use.
SELECT set_config('statement_timeout', %(limit)s, true)
