-- Purpose: whether the schema exists; its owner need not have the right to create another.
-- Parameters: schema.
-- Rows: one: found.
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s) AS found
