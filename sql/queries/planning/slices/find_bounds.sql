-- Purpose: finds the contacts with which the slices after the first one begin, from a sample of the differences.
-- Parameters: slices (how many), percent (how large the sample is).
-- Rows: one: contacts (an array; null if there is nothing to divide).
SELECT
    percentile_disc(
        ARRAY(SELECT nth / %(slices)s::float8 FROM generate_series(1, %(slices)s::integer - 1) AS nth)
    ) WITHIN GROUP (ORDER BY contact) AS contacts
FROM member_delta TABLESAMPLE SYSTEM (%(percent)s::float4)
WHERE kind <> 'skip'
