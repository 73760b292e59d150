-- Purpose: a column of warehouse_members: the traits that go along, by the name that they are sent under.
-- Placeholders: pairs (name and value by turns).
-- Rows: stands inside warehouse_members.
, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object({pairs})) AS traits
