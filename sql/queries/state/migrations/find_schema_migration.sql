-- Purpose: whether the state schema was ever made.
-- Parameters: schema.
-- Rows: one: found.
SELECT to_regclass(format('%%I.schema_migration', %(schema)s::text)) IS NOT NULL AS found
