-- Purpose: gathers all rows that the state has of the contacts that the differences name. Only the comparison itself
-- costs more, so it is done once, and in the order of the index, where neighbours share pages. Where emails and values
-- are always null, the index alone answers. Before the first sync there is nobody to look up.
-- Placeholders: email, value (the columns of synced_member, or null).
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT synced.audience_id, synced.contact, synced.user_id, synced.email, synced.value
FROM (
    SELECT DISTINCT member_delta.contact
    FROM member_delta
    WHERE member_delta.contact <> ''
        AND (
            SELECT min(first.contact) FROM synced_member AS first WHERE first.destination_id = %(destination_id)s
        ) <> ''
    ORDER BY member_delta.contact
) AS named
CROSS JOIN LATERAL (
    SELECT
        synced_member.audience_id,
        synced_member.contact,
        synced_member.user_id,
        {email} AS email,
        {value} AS value
    FROM synced_member
    WHERE synced_member.destination_id = %(destination_id)s AND synced_member.contact = named.contact
    OFFSET 0 -- keeps the planner from reading the whole state, which takes longer unless most contacts are named
) AS synced
