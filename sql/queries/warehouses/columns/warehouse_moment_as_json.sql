-- Purpose: a moment as JSON, in UTC; null for what ISO 8601 cannot say: infinity, and what is not in the years 1 to
-- 9999.
-- Placeholders: moment (a timestamp without time zone, in UTC).
-- Rows: stands inside warehouse_members.
CASE
    WHEN {moment} OPERATOR(pg_catalog.>=) '0001-01-01 00:00:00'::pg_catalog.timestamp
        AND {moment} OPERATOR(pg_catalog.<=) '9999-12-31 23:59:59.999999'::pg_catalog.timestamp
        THEN pg_catalog.to_jsonb(pg_catalog.to_char({moment}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    ELSE 'null'::pg_catalog.jsonb
END
