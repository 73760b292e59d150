-- Purpose: gathers all rows that the state has of the contacts that follow_moves added to the plan. gather_known did
-- not, because no difference names them.
-- Placeholders: email, value (the columns of synced_member, or null).
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT synced_member.audience_id, synced_member.contact, synced_member.user_id, {email}, {value}
FROM (
    SELECT DISTINCT contact_change.contact
    FROM contact_change
    WHERE NOT EXISTS (SELECT FROM caller WHERE caller.contact = contact_change.contact)
        AND NOT EXISTS (SELECT FROM known_member WHERE known_member.contact = contact_change.contact)
) AS added
JOIN synced_member
    ON synced_member.destination_id = %(destination_id)s AND synced_member.contact = added.contact
