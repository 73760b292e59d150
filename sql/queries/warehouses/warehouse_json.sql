-- Purpose: a column as JSON. A time is told in UTC, whatever zone the warehouse's session is in; a time without a zone
-- is taken as UTC.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_typeof({column}) = 'timestamptz'::regtype
        THEN to_jsonb(to_char({column}::text::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    WHEN pg_typeof({column}) IN ('json'::regtype, 'jsonb')
        OR jsonb_typeof(to_jsonb({column})) NOT IN ('object', 'array')
        THEN to_jsonb({column})
    ELSE to_jsonb({column}::text)
END
