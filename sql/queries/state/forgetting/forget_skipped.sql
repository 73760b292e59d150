-- Purpose: skipped rows that name people who are being forgotten leave the list; the next run lists them as forgotten.
-- So do those whose email is no address, and has one of theirs in it: these the next run lists as they are.
-- Long texts in the list are cut; should two begin alike, the next run lists the other again.
-- Rows: none.
DELETE FROM skipped_member
WHERE skipped_member.user_id COLLATE "C" IN (SELECT left(forgotten_user.name, 512) FROM forgotten_user)
    OR left(contact_of(skipped_member.email), 256) COLLATE "C" IN (
        SELECT left(forgotten_email.name, 256)
        FROM forgotten_email
    )
    OR skipped_member.email IN (SELECT forgotten_text.text FROM forgotten_text)
