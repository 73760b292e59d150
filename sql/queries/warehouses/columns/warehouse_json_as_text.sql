-- Purpose: a json or jsonb column as text: a text without its quotes, null as nothing. JSON that holds what no text can
-- hold (`clean` is not true) stays as it is written.
-- Placeholders: column, clean.
-- Rows: stands inside warehouse_members.
CASE WHEN {clean} THEN {column} OPERATOR(pg_catalog.#>>) '{{}}'::pg_catalog.text[] ELSE {column}::pg_catalog.text END
