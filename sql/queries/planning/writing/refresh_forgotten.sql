-- Purpose: removes the memory of people who are to be forgotten, with the first snapshot that does not have them any
-- more.
-- Placeholders: source.
-- Rows: none.
DELETE FROM forgotten
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT forget_hash(installation.forget_key, named.name) AS hash
        FROM (
            SELECT contact_of(source.email) AS name FROM {source} AS source WHERE source.email IS NOT NULL
            UNION
            SELECT source.user_id FROM {source} AS source WHERE source.user_id IS NOT NULL
        ) AS named
        CROSS JOIN installation
    ) AS present
    WHERE present.hash = forgotten.hash
)
