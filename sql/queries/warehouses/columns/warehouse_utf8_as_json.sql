-- Purpose: a column of a database without an encoding as JSON; null where its text is no UTF-8.
-- Placeholders: is_utf8, json.
-- Rows: stands inside warehouse_members.
CASE WHEN {is_utf8} THEN {json} ELSE 'null'::pg_catalog.jsonb END
