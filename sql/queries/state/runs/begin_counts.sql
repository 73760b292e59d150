-- Purpose: counts who a destination has where that is not known, and a plan may want it: not where it has only a part.
-- People who were forgotten are no users any more, and no contacts. Grouped twice, because counting different values sorts.
-- Parameters: run_id.
-- Rows: destination_id, of those that were counted.
WITH counted AS MATERIALIZED (
    SELECT here.destination_id
    FROM run_destination AS here
    JOIN run ON run.run_id = here.run_id AND run.phase = 'planned'
    WHERE here.run_id = %(run_id)s
        AND here.reach_contacts IS NULL
        AND here.rollout IS NULL
        AND NOT EXISTS (SELECT FROM contact_count AS told WHERE told.destination_id = here.destination_id)
),
users AS (
    INSERT INTO user_count (destination_id, audience_id, users)
    SELECT who.destination_id, who.audience_id, count(*)
    FROM (
        SELECT m.destination_id, m.audience_id, m.user_id
        FROM counted
        JOIN synced_member AS m USING (destination_id)
        WHERE NOT is_token(m.contact)
        GROUP BY m.destination_id, m.audience_id, m.user_id
    ) AS who
    GROUP BY who.destination_id, who.audience_id
)
INSERT INTO contact_count (destination_id, contacts)
SELECT counted.destination_id, count(who.contact)
FROM counted
LEFT JOIN (
    SELECT m.destination_id, m.contact
    FROM counted
    JOIN synced_member AS m USING (destination_id)
    WHERE NOT is_token(m.contact)
    GROUP BY m.destination_id, m.contact
) AS who USING (destination_id)
GROUP BY counted.destination_id
RETURNING destination_id
