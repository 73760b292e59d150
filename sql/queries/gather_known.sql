-- Purpose: what the state has of everybody whom the differences name. Looking it up in the state costs more than anything
-- but the comparison, so that is done once, and in the order of the index: neighbours share its pages.
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT m.audience_id, m.contact, m.user_id, m.email, m.value
FROM (SELECT DISTINCT d.contact FROM member_delta AS d WHERE d.contact <> '' ORDER BY d.contact) AS named
JOIN synced_member AS m ON m.destination_id = %(destination_id)s AND m.contact = named.contact
