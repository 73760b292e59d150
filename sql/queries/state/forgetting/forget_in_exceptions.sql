-- Purpose: that an identify of somebody who is being forgotten was refused or lost is kept, without the receiver's
-- words; so are the words to others that name them.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE sync_exception AS e
SET contact = coalesce(p.token, e.contact), reason = %(words)s
FROM sync_exception AS same
LEFT JOIN forgotten_contact AS p ON p.name = same.contact
LEFT JOIN forgotten_text AS naming ON naming.text = same.reason
WHERE e.ctid = same.ctid AND (p.name IS NOT NULL OR naming.text IS NOT NULL)
