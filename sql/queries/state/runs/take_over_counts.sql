-- Purpose: where a plan that left out nothing was accepted whole, the destination has who is in the snapshot, and the
-- plan has counted them (a first sync in slices may have ended before). What is right already is not written again.
-- Parameters: run_id.
-- Rows: destination_id, much (whether a good part of what is there is new), of those destinations.
WITH mirrored AS MATERIALIZED (
    SELECT run_destination.destination_id, run.contacts, run_destination.succeeded > run.contacts / 4 AS much
    FROM run_destination
    JOIN run ON run.run_id = run_destination.run_id AND run.phase = 'planned'
    WHERE run_destination.run_id = %(run_id)s
        AND run.contacts IS NOT NULL
        AND run_destination.mirrors
        AND run_destination.succeeded = run_destination.planned
),
contacts AS (
    INSERT INTO contact_count (destination_id, contacts)
    SELECT mirrored.destination_id, mirrored.contacts
    FROM mirrored
    LEFT JOIN contact_count AS known USING (destination_id)
    WHERE known.contacts IS DISTINCT FROM mirrored.contacts
    ON CONFLICT (destination_id) DO UPDATE SET contacts = excluded.contacts
),
users AS (
    INSERT INTO user_count (destination_id, audience_id, users)
    SELECT run_count.destination_id, run_count.audience_id, run_count.members
    FROM mirrored
    JOIN run_count ON run_count.run_id = %(run_id)s AND run_count.destination_id = mirrored.destination_id
    LEFT JOIN user_count AS known
        ON known.destination_id = run_count.destination_id AND known.audience_id = run_count.audience_id
    WHERE known.users IS DISTINCT FROM run_count.members
    ON CONFLICT (destination_id, audience_id) DO UPDATE SET users = excluded.users
)
SELECT mirrored.destination_id, mirrored.much
FROM mirrored
