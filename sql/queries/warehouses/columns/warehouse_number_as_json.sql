-- Purpose: a numeric or floating column as JSON; null for what receivers cannot read: NaN, infinity, and what is beyond
-- the numbers of double precision.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.abs({column}) OPERATOR(pg_catalog.<=) 1.7976931348623157e308 THEN pg_catalog.to_jsonb({column})
    ELSE 'null'::pg_catalog.jsonb
END
