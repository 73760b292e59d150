-- Purpose: the table that a name means: it is locked, so the name goes on to mean it.
-- Parameters: table, a quoted name with its schema.
-- Rows: one: oid.
SELECT pg_catalog.to_regclass(%(table)s)::pg_catalog.oid::bigint AS oid
