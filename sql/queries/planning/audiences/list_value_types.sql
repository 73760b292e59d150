-- Purpose: lists the types of the values that the queries of computed traits returned, and finds traits that have the
-- name of an audience of the membership table.
-- Placeholders: source.
-- Parameters: names (of the traits).
-- Rows: audience, types (of its values), named (whether rows that have no value column name it).
SELECT
    source.audience,
    array_agg(DISTINCT source.value_type) FILTER (WHERE source.value IS NOT NULL) AS types,
    bool_or(source.value_type IS NULL) AS named
FROM {source} AS source
WHERE source.audience = ANY (%(names)s::text[])
GROUP BY source.audience
