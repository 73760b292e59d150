-- Purpose: that an identify of people who are being forgotten was refused or lost stays, without the receiver's words;
-- words about others that name them go too.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE sync_exception
SET contact = coalesce(forgotten_contact.token, sync_exception.contact), reason = %(words)s
FROM sync_exception AS same
LEFT JOIN forgotten_contact
    ON forgotten_contact.destination_id = same.destination_id AND forgotten_contact.contact = same.contact
LEFT JOIN forgotten_text ON forgotten_text.text = same.reason
WHERE sync_exception.tableoid = same.tableoid
    AND sync_exception.ctid = same.ctid
    AND (forgotten_contact.contact IS NOT NULL OR forgotten_text.text IS NOT NULL)
