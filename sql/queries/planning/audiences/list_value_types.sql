-- Purpose: lists the types of the values that the queries of computed traits returned, and finds traits that have the
-- name of an audience of the membership table.
-- Placeholders: source.
-- Parameters: names (of the traits).
-- Rows: audience, types (of its values), named (whether rows that have no value column name it).
SELECT
    audience,
    array_agg(DISTINCT value_type) FILTER (WHERE value IS NOT NULL) AS types,
    bool_or(value_type IS NULL) AS named
FROM {source} AS source
WHERE audience = ANY (%(names)s::text[])
GROUP BY audience
