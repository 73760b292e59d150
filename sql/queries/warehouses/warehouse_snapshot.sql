-- Purpose: when the warehouse's snapshot was taken: this takes it, being the first statement that reads.
-- Rows: one: now.
SELECT pg_catalog.statement_timestamp()
