-- Purpose: a row without anybody for each audience that members of a source name.
-- Placeholders: audience (as text), more (further columns), relation, condition (whether a row is a member).
-- Rows: those of warehouse_members.
SELECT DISTINCT {audience} AS audience, NULL::pg_catalog.text AS user_id, NULL::pg_catalog.text AS email, false{more}
FROM {relation} AS members
WHERE ({condition}) AND ({audience}) IS NOT NULL
