-- Purpose: the name of an audience, as far as it is read; nearly all have fewer bytes than that, which is quick to see.
-- Placeholders: text, most (characters).
-- Rows: stands inside warehouse_members.
CASE
    WHEN pg_catalog.octet_length({text}) OPERATOR(pg_catalog.>) {most} THEN pg_catalog."left"({text}, {most})
    ELSE {text}
END
