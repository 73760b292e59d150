-- Purpose: a floating column as numeric, of its shortest text; nothing for NaN and infinity, which are no numbers.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN ({column} OPERATOR(pg_catalog.-) {column}) OPERATOR(pg_catalog.=) 0
        THEN {column}::pg_catalog.text::pg_catalog.numeric
END
