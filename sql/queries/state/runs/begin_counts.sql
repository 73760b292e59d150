-- Purpose: counts who a destination has where that is not known, and a plan may want it: not where it has only a part.
-- People who were forgotten are no users any more, and no contacts. Grouped twice, because counting different values
-- sorts.
-- Parameters: run_id.
-- Rows: destination_id, of those that were counted.
WITH counted AS MATERIALIZED (
    SELECT run_destination.destination_id
    FROM run_destination
    JOIN run ON run.run_id = run_destination.run_id AND run.phase = 'planned'
    WHERE run_destination.run_id = %(run_id)s
        AND run_destination.reach_hashes IS NULL
        AND run_destination.rollout IS NULL
        AND NOT EXISTS (
            SELECT FROM contact_count WHERE contact_count.destination_id = run_destination.destination_id
        )
),
users AS (
    INSERT INTO user_count (destination_id, audience_id, users)
    SELECT who.destination_id, who.audience_id, count(*)
    FROM (
        SELECT synced_member.destination_id, synced_member.audience_id, synced_member.user_id
        FROM counted
        JOIN synced_member USING (destination_id)
        WHERE NOT is_token(synced_member.contact)
        GROUP BY synced_member.destination_id, synced_member.audience_id, synced_member.user_id
    ) AS who
    GROUP BY who.destination_id, who.audience_id
)
INSERT INTO contact_count (destination_id, contacts)
SELECT counted.destination_id, count(who.contact)
FROM counted
LEFT JOIN (
    SELECT synced_member.destination_id, synced_member.contact
    FROM counted
    JOIN synced_member USING (destination_id)
    WHERE NOT is_token(synced_member.contact)
    GROUP BY synced_member.destination_id, synced_member.contact
) AS who USING (destination_id)
GROUP BY counted.destination_id
RETURNING destination_id
