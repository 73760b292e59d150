-- Purpose: what the state has of everybody whom the differences name. Looking it up in the state costs more than anything
-- but the comparison, so that is done once, and in the order of the index: neighbours share its pages. Where emails and
-- values are always null the index has all there is to know, and the table is not visited. Before the first sync there
-- is nobody to look up.
-- Placeholders: email, value (the columns of `m`, or null).
-- Parameters: destination_id.
-- Rows: none; fills known_member.
INSERT INTO known_member (audience_id, contact, user_id, email, value)
SELECT told.audience_id, told.contact, told.user_id, told.email, told.value
FROM (
    SELECT DISTINCT d.contact
    FROM member_delta AS d
    WHERE d.contact <> ''
        AND (SELECT min(first.contact) FROM synced_member AS first WHERE first.destination_id = %(destination_id)s) <> ''
    ORDER BY d.contact
) AS named
CROSS JOIN LATERAL (
    SELECT m.audience_id, m.contact, m.user_id, {email} AS email, {value} AS value
    FROM synced_member AS m
    WHERE m.destination_id = %(destination_id)s AND m.contact = named.contact
    OFFSET 0 -- keeps the planner from reading the whole state instead, which takes longer unless most contacts are named
) AS told
