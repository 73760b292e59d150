-- Purpose: the refusals of people who are being forgotten lose their names, until the next plan drops them; so does the
-- fingerprint, which is made of the user id, and so do words about others that name them.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE refused_contact
SET contact = coalesce(forgotten_contact.token, refused_contact.contact),
    user_id = coalesce(forgotten_user.token, refused_contact.user_id),
    email = CASE
        WHEN forgotten_contact.contact IS NULL THEN refused_contact.email
        WHEN refused_contact.email IS NOT NULL THEN forgotten_contact.token
    END,
    reason = %(words)s,
    fingerprint = CASE WHEN forgotten_contact.contact IS NULL THEN refused_contact.fingerprint ELSE '' END
FROM refused_contact AS same
LEFT JOIN forgotten_contact
    ON forgotten_contact.destination_id = same.destination_id AND forgotten_contact.contact = same.contact
LEFT JOIN forgotten_user ON forgotten_user.name = same.user_id
LEFT JOIN forgotten_text ON forgotten_text.text = same.reason
WHERE refused_contact.ctid = same.ctid AND (forgotten_contact.contact IS NOT NULL OR forgotten_text.text IS NOT NULL)
