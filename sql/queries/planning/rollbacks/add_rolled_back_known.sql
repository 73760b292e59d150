-- Purpose: gathers all rows that the state has of the contacts of which something is taken back, as gather_known did of
-- those that differ.
-- Placeholders: email, value (the columns of synced_member, or null).
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT synced_member.audience_id, synced_member.contact, synced_member.user_id, {email}, {value}
FROM (
    SELECT approved_rollback.contact
    FROM approved_rollback
    WHERE approved_rollback.destination_id = %(destination_id)s
    EXCEPT -- not by an anti-join: see refresh_held_new
    SELECT known_member.contact
    FROM known_member
) AS unknown
JOIN synced_member
    ON synced_member.destination_id = %(destination_id)s AND synced_member.contact = unknown.contact
