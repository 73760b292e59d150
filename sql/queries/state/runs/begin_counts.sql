-- Purpose: counts who these destinations have. People who were forgotten are no users any more, and no contacts. It
-- groups twice, because counting different values sorts. It costs something where it counts nobody, too, for its hash
-- tables are as large as the state: so it is asked only where there is a reason (list_uncounted).
-- Parameters: destination_ids.
-- Rows: none.
WITH counted AS MATERIALIZED (
    SELECT unnest(%(destination_ids)s::integer[]) AS destination_id
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
