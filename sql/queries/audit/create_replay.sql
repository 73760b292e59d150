-- Purpose: the kept history of one destination replayed: what each membership's last accepted change did.
-- Parameters: destination_id.
-- Rows: none.
CREATE TEMPORARY TABLE replay ON COMMIT DROP AS
SELECT DISTINCT ON (c.contact, c.audience_id, c.user_id) c.contact, c.audience_id, c.user_id, c.effect
FROM accepted_change AS c
WHERE c.destination_id = %(destination_id)s AND c.effect <> 'none'
ORDER BY c.contact, c.audience_id, c.user_id, c.run_id DESC
