-- Purpose: a column as JSON. A time is told in UTC, whatever zone the warehouse's session is in; a time without a zone
-- is taken as UTC.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.pg_typeof({column}) = 'timestamptz'::regtype
        THEN pg_catalog.to_jsonb(pg_catalog.to_char({column}::text::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    WHEN pg_catalog.pg_typeof({column}) IN ('json'::regtype, 'jsonb')
        OR pg_catalog.jsonb_typeof(pg_catalog.to_jsonb({column})) NOT IN ('object', 'array')
        THEN pg_catalog.to_jsonb({column})
    ELSE pg_catalog.to_jsonb({column}::text)
END
