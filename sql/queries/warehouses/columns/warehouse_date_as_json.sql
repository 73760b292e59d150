-- Purpose: a date as JSON; null for what ISO 8601 cannot say: infinity, and what is not in the years 1 to 9999.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN {column} OPERATOR(pg_catalog.>=) '0001-01-01'::pg_catalog.date
        AND {column} OPERATOR(pg_catalog.<=) '9999-12-31'::pg_catalog.date
        THEN pg_catalog.to_jsonb(pg_catalog.to_char({column}::pg_catalog.timestamp, 'YYYY-MM-DD'))
    ELSE 'null'::pg_catalog.jsonb
END
