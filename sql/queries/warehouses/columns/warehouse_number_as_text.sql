-- Purpose: a numeric or floating column as text: a whole number without a fraction, because ids that came through a
-- float or a decimal column are written with one; NaN and infinity, which are not zero less themselves, are nothing.
-- Most numbers have no fraction at all, so that is asked first.
-- Placeholders: column, number (the same as numeric).
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.scale({number}) OPERATOR(pg_catalog.=) 0 THEN {number}::pg_catalog.text
    WHEN ({column} OPERATOR(pg_catalog.-) {column}) OPERATOR(pg_catalog.<>) 0 THEN NULL
    WHEN {number} OPERATOR(pg_catalog.=) pg_catalog.trunc({number})
        THEN pg_catalog.trunc({number})::pg_catalog.text
    ELSE {column}::pg_catalog.text
END
