-- Purpose: removes the memory of people who are to be forgotten, with the first believed snapshot that does not have
-- them any more.
-- Placeholders: source.
-- Rows: none.
DELETE FROM forgotten
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT forget_hash(installation.forget_key, named.kind, named.name) AS hash
        FROM (
            SELECT 'email' AS kind, contact_of(source.email) AS name FROM {source} AS source
            WHERE source.email IS NOT NULL
            UNION
            SELECT 'user_id', source.user_id FROM {source} AS source WHERE source.user_id IS NOT NULL
        ) AS named
        CROSS JOIN installation
    ) AS present
    WHERE present.hash = forgotten.hash
)
