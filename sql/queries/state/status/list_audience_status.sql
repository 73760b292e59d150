-- Purpose: how every audience stands at every destination now.
-- Rows: audience, property, destination, standing (retired, paused, initial: its first sync has not ended; synced),
-- members (in the last snapshot; null: there was none, or they are not counted yet).
SELECT
    audience.name AS audience,
    audience.property,
    destination.name AS destination,
    CASE
        WHEN audience.retired_at IS NOT NULL THEN 'retired'
        WHEN EXISTS (
            SELECT FROM pause
            WHERE (pause.destination_id = destination.destination_id OR pause.destination_id IS NULL)
                AND (pause.audience_id = audience.audience_id OR pause.audience_id IS NULL)
        ) THEN 'paused'
        WHEN initial_sync.audience_id IS NULL THEN 'initial'
        ELSE 'synced'
    END AS standing,
    (
        SELECT run_count.members
        FROM run_count
        WHERE run_count.destination_id = destination.destination_id AND run_count.audience_id = audience.audience_id
        ORDER BY run_count.run_id DESC
        LIMIT 1
    ) AS members
FROM audience
CROSS JOIN destination
LEFT JOIN initial_sync
    ON initial_sync.destination_id = destination.destination_id AND initial_sync.audience_id = audience.audience_id
ORDER BY audience.name, destination.name
