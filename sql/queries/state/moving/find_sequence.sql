-- Purpose: the sequence behind a column that is numbered by itself.
-- Parameters: source, field.
-- Rows: one: schema, name.
SELECT n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.pg_get_serial_sequence(
        quote_ident(current_schema()) || '.' || quote_ident(%(source)s), %(field)s
    )::regclass
