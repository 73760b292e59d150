-- Purpose: what the computed traits' queries gave: values of which types, and whether rows of the membership name one.
-- Placeholders: source.
-- Parameters: names (of the traits).
-- Rows: audience, types (of its values), named (whether rows without a value column name it).
SELECT
    source.audience,
    array_agg(DISTINCT source.value_type) FILTER (WHERE source.value IS NOT NULL) AS types,
    bool_or(source.value_type IS NULL) AS named
FROM {source} AS source
WHERE source.audience = ANY (%(names)s::text[])
GROUP BY source.audience
