-- Purpose: a numeric or floating column as text: a whole number without a fraction, because ids that came through a
-- float or a decimal column are written with one; NaN and infinity are nothing.
-- Placeholders: column.
-- Rows: stands inside warehouse_members.
CASE
    WHEN {column}::pg_catalog.text OPERATOR(pg_catalog.~) '^-?[NI]' THEN NULL
    WHEN {column}::pg_catalog.text OPERATOR(pg_catalog.~) '[.e]'
        AND {column}::pg_catalog.text::pg_catalog.numeric OPERATOR(pg_catalog.=)
            pg_catalog.trunc({column}::pg_catalog.text::pg_catalog.numeric)
        THEN pg_catalog.trunc({column}::pg_catalog.text::pg_catalog.numeric)::pg_catalog.text
    ELSE {column}::pg_catalog.text
END
