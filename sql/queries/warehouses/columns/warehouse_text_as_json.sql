-- Purpose: a text as JSON; null for one that is too long for any receiver: it would be kept with each try.
-- Placeholders: text, most (bytes).
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.octet_length({text}) OPERATOR(pg_catalog.<=) {most} THEN pg_catalog.to_jsonb({text})
    ELSE 'null'::pg_catalog.jsonb
END
