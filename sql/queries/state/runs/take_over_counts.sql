-- Purpose: where a plan that left out nothing was accepted whole, the destination has who is in the snapshot, and the plan
-- has counted them. What is right already is not written again.
-- Parameters: run_id.
-- Rows: destination_id, much (whether a good part of what is there is new), of those destinations.
WITH mirrored AS MATERIALIZED (
    SELECT here.destination_id, run.contacts, here.succeeded > run.contacts / 4 AS much
    FROM run_destination AS here
    JOIN run ON run.run_id = here.run_id AND run.phase = 'planned'
    WHERE here.run_id = %(run_id)s AND here.mirrors AND here.succeeded = here.planned
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
    SELECT counted.destination_id, counted.audience_id, counted.members
    FROM mirrored
    JOIN run_count AS counted ON counted.run_id = %(run_id)s AND counted.destination_id = mirrored.destination_id
    LEFT JOIN user_count AS known
        ON known.destination_id = counted.destination_id AND known.audience_id = counted.audience_id
    WHERE known.users IS DISTINCT FROM counted.members
    ON CONFLICT (destination_id, audience_id) DO UPDATE SET users = excluded.users
)
SELECT mirrored.destination_id, mirrored.much FROM mirrored
