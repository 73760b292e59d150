-- Purpose: a json or jsonb column as JSON, without the nulls in it; null for what receivers cannot read: numbers beyond
-- those of double precision, what is nested too deeply, and what is too long.
-- Placeholders: column, clean (whether it can become jsonb), most (bytes).
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.octet_length({column}::pg_catalog.text) OPERATOR(pg_catalog.>) {most} THEN 'null'::pg_catalog.jsonb
    WHEN ({clean}) IS NOT TRUE THEN 'null'::pg_catalog.jsonb
    WHEN {column}::pg_catalog.jsonb OPERATOR(pg_catalog.@?) '$.**{{64}}'::pg_catalog.jsonpath
        OR {column}::pg_catalog.jsonb OPERATOR(pg_catalog.@?)
            '$.** ? (@ > 1.7976931348623157e308 || @ < -1.7976931348623157e308)'::pg_catalog.jsonpath
        THEN 'null'::pg_catalog.jsonb
    ELSE pg_catalog.jsonb_strip_nulls({column}::pg_catalog.jsonb)
END
