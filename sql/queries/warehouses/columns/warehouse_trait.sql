-- Purpose: one trait that goes along, by the name that it is sent under; nothing where there is none.
-- Placeholders: name, absent (whether there is none), json (its value).
-- Rows: stands inside warehouse_members.
CASE WHEN {absent} THEN '{{}}'::pg_catalog.jsonb ELSE pg_catalog.jsonb_build_object({name}, {json}) END
