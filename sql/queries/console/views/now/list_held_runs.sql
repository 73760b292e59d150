-- Purpose: which run to approve, for every audience at a destination of which something waits for that: the last that
-- held something of it. Where nothing waits, its runs are not looked at.
-- Rows: run_id, destination, audience, property, contacts (that this run held).
SELECT last_held.run_id, destination.name AS destination, audience.name AS audience, audience.property,
    last_held.contacts
FROM audience
CROSS JOIN destination
CROSS JOIN LATERAL (
    SELECT held_change.destination_id, held_change.audience_id, held_change.since_run_id
    FROM held_change
    WHERE held_change.destination_id = destination.destination_id
        AND held_change.audience_id = audience.audience_id
        AND held_change.approved_at IS NULL
    ORDER BY held_change.since_run_id
    LIMIT 1
) AS waiting
CROSS JOIN LATERAL (
    SELECT run_count.run_id, run_count.held AS contacts
    FROM run_count
    WHERE run_count.audience_id = waiting.audience_id
        AND run_count.destination_id = waiting.destination_id
        AND run_count.run_id >= waiting.since_run_id
        AND run_count.held > 0
    ORDER BY run_count.run_id DESC
    LIMIT 1
) AS last_held
ORDER BY last_held.run_id DESC, destination.name, audience.name
