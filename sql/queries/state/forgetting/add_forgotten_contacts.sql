-- Purpose: the contacts of rows, of the state or its history, that have one of these users or told about one. Passes
-- once over the whole history, which has no index by user.
-- Rows: none; fills forgotten_contact.
INSERT INTO forgotten_contact (name)
SELECT DISTINCT seen.contact
FROM (
    SELECT m.contact FROM forgotten_user AS p JOIN synced_member AS m ON m.user_id = p.name
    UNION ALL
    SELECT f.contact FROM forgotten_user AS p JOIN told_false AS f ON f.user_id = p.name
    UNION ALL
    SELECT u.contact FROM forgotten_user AS p JOIN uncertain AS u ON u.user_id = p.name
    UNION ALL
    SELECT r.contact FROM forgotten_user AS p JOIN refused_contact AS r ON r.user_id = p.name
    UNION ALL
    SELECT h.contact FROM forgotten_user AS p JOIN held_change AS h ON h.user_id = p.name
    UNION ALL
    SELECT c.contact
    FROM sync_change AS c
    WHERE c.user_id IN (SELECT p.name FROM forgotten_user AS p)
        OR c.told_as IN (SELECT p.name FROM forgotten_user AS p)
) AS seen
WHERE NOT is_token(seen.contact)
ON CONFLICT (name) DO NOTHING
