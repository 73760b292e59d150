-- Purpose: a numeric or floating column as text: a whole number without a fraction, because ids that came through a
-- float or a decimal column are written with one; NaN and infinity, which are not zero less themselves, are nothing.
-- Placeholders: column, number (the same as numeric: of a floating one its shortest text).
-- Rows: stands inside warehouse_members.
CASE
    WHEN ({column} OPERATOR(pg_catalog.-) {column}) OPERATOR(pg_catalog.<>) 0 THEN NULL
    WHEN {number} OPERATOR(pg_catalog.=) pg_catalog.trunc({number})
        THEN pg_catalog.trunc({number})::pg_catalog.text
    ELSE {column}::pg_catalog.text
END
