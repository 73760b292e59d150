-- Purpose: the users of rows, of the state or its history, that have one of these contacts, or carried it as email.
-- Rows: none; fills forgotten_user.
INSERT INTO forgotten_user (name)
SELECT DISTINCT seen.user_id
FROM (
    SELECT m.user_id
    FROM forgotten_contact AS p
    CROSS JOIN destination -- the key begins with it
    JOIN synced_member AS m ON m.destination_id = destination.destination_id AND m.contact = p.name
    UNION ALL
    SELECT f.user_id
    FROM forgotten_contact AS p
    CROSS JOIN destination
    JOIN told_false AS f ON f.destination_id = destination.destination_id AND f.contact = p.name
    UNION ALL
    SELECT u.user_id FROM forgotten_contact AS p JOIN uncertain AS u ON u.contact = p.name
    UNION ALL
    SELECT r.user_id FROM forgotten_contact AS p JOIN refused_contact AS r ON r.contact = p.name
    UNION ALL
    SELECT h.user_id FROM forgotten_contact AS p JOIN held_change AS h ON h.contact = p.name
    UNION ALL
    SELECT unnest(ARRAY[c.user_id, c.told_as]) FROM forgotten_contact AS p JOIN sync_change AS c ON c.contact = p.name
    UNION ALL
    SELECT m.user_id FROM forgotten_contact AS p JOIN synced_member AS m ON m.email = p.name
    UNION ALL
    SELECT c.user_id FROM forgotten_contact AS p JOIN sync_change AS c ON c.email = p.name
    UNION ALL
    SELECT s.contact FROM forgotten_contact AS p JOIN synced_profile AS s ON s.email = p.name
) AS seen
WHERE NOT is_token(seen.user_id)
ON CONFLICT (name) DO NOTHING
