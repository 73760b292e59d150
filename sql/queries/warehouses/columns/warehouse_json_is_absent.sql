-- Purpose: whether a json or jsonb column says nothing: it may say so as JSON, too.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
{column} IS NULL OR {column}::pg_catalog.text OPERATOR(pg_catalog.~) '^\s*null\s*$'
