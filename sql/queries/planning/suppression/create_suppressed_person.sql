-- Purpose: creates the table of whoever is suppressed: contacts (addresses), and user ids. Somebody without consent is
-- known by the address that their row has; their user id follows from that as it does for anybody (see
-- widen_suppressed), so that an id which stands for nobody takes nobody along.
-- Parameters: without_consent (the name of that list).
-- Rows: none.
CREATE TEMPORARY TABLE suppressed_person ON COMMIT PRESERVE ROWS AS
SELECT 'contact' COLLATE "C" AS kind, contact_of(suppressed_name.email) AS name
FROM suppressed_name
WHERE contact_of(suppressed_name.email) <> ''
UNION
SELECT 'user', suppressed_name.user_id
FROM suppressed_name
WHERE contact_of(suppressed_name.user_id) <> ''
    AND (suppressed_name.audience <> %(without_consent)s OR coalesce(contact_of(suppressed_name.email), '') = '')
