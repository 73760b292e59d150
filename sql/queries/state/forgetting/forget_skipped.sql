-- Purpose: skipped rows that name somebody who is being forgotten leave the list; the next run lists them as
-- forgotten. Long texts in the list are cut; should two begin alike, the next run lists the other again.
-- Rows: none.
DELETE FROM skipped_member AS s
WHERE s.user_id COLLATE "C" IN (SELECT left(who.name, 512) FROM forgotten_user AS who)
    OR left(contact_of(s.email), 256) COLLATE "C" IN (SELECT left(p.name, 256) FROM forgotten_contact AS p)
