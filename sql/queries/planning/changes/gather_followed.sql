-- Purpose: the same of contacts that no difference names: those that are told something because another one was.
-- Placeholders: email, value (see gather_known).
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT m.audience_id, m.contact, m.user_id, {email}, {value}
FROM (
    SELECT DISTINCT c.contact
    FROM contact_change AS c
    WHERE NOT EXISTS (SELECT FROM caller WHERE caller.contact = c.contact)
        AND NOT EXISTS (SELECT FROM known_member AS known WHERE known.contact = c.contact)
) AS named
JOIN synced_member AS m ON m.destination_id = %(destination_id)s AND m.contact = named.contact
