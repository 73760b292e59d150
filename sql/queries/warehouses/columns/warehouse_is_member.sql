-- Purpose: whether a row is a member by its member column. What is neither true nor false fails, and the error shows
-- it: a cast is how a query can fail with words of ours. A long text, or an address, is not shown: then it is likely
-- that the configuration names a column with people in it.
-- Placeholders: column, text (of the column), true_words, false_words, name (of the column, as a text).
-- Rows: stands inside warehouse_members.
CASE
    WHEN {column} IS NULL THEN false
    WHEN pg_catalog.lower(pg_catalog.btrim({text}, E' \t\n\r\f\x0b') COLLATE pg_catalog."C")
        OPERATOR(pg_catalog.=) ANY ({true_words}) THEN true
    WHEN pg_catalog.lower(pg_catalog.btrim({text}, E' \t\n\r\f\x0b') COLLATE pg_catalog."C")
        OPERATOR(pg_catalog.=) ANY ({false_words}) THEN false
    ELSE (
        'the column ' OPERATOR(pg_catalog.||) {name} OPERATOR(pg_catalog.||) ' holds ' OPERATOR(pg_catalog.||)
        CASE
            WHEN pg_catalog.length({column}::pg_catalog.text) OPERATOR(pg_catalog.>) 20
                OR pg_catalog.strpos({column}::pg_catalog.text, '@') OPERATOR(pg_catalog.>) 0
                THEN 'a text that is not shown'
            ELSE pg_catalog.quote_literal({column}::pg_catalog.text)
        END
        OPERATOR(pg_catalog.||) ', which is neither true nor false'
    )::pg_catalog.bool
END
