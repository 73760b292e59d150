-- Purpose: columns of warehouse_members: the value of a computed trait, and its type; the name of a type that cannot be
-- sent is told to the user.
-- Placeholders: value (as JSON), column.
-- Rows: stands inside warehouse_members.
, {value} AS value,
    CASE
        WHEN pg_catalog.pg_typeof({column}) IN ('smallint'::regtype, 'integer', 'bigint', 'numeric', 'real', 'double precision')
            THEN 'number'
        WHEN pg_catalog.pg_typeof({column}) IN ('text'::regtype, 'character varying', 'character', 'name', 'uuid') THEN 'text'
        WHEN pg_catalog.pg_typeof({column}) = 'boolean'::regtype THEN 'boolean'
        WHEN pg_catalog.pg_typeof({column}) IN ('timestamptz'::regtype, 'timestamp', 'date') THEN 'timestamp'
        ELSE pg_catalog.pg_typeof({column})::text
    END AS value_type
