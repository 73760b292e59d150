-- Purpose: how every audience stands at every destination now.
-- Rows: audience, property, destination, standing (retired, paused, initial: its first sync has not ended; synced),
-- members (in the last snapshot).
SELECT
    audience.name AS audience,
    audience.property,
    destination.name AS destination,
    CASE
        WHEN audience.retired_at IS NOT NULL THEN 'retired'
        WHEN EXISTS (
            SELECT FROM pause AS p
            WHERE (p.destination_id = destination.destination_id OR p.destination_id IS NULL)
                AND (p.audience_id = audience.audience_id OR p.audience_id IS NULL)
        ) THEN 'paused'
        WHEN i.audience_id IS NULL THEN 'initial'
        ELSE 'synced'
    END AS standing,
    (
        SELECT c.members
        FROM run_count AS c
        WHERE c.destination_id = destination.destination_id AND c.audience_id = audience.audience_id
        ORDER BY c.run_id DESC
        LIMIT 1
    ) AS members
FROM audience
CROSS JOIN destination
LEFT JOIN initial_sync AS i
    ON i.destination_id = destination.destination_id AND i.audience_id = audience.audience_id
ORDER BY audience.name, destination.name
