-- Purpose: the refusal of somebody who is being forgotten names nobody until the next plan drops it; its fingerprint is
-- made of the user id. Words to others that name them go too.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE refused_contact AS r
SET contact = coalesce(p.token, r.contact),
    user_id = coalesce(who.token, r.user_id),
    email = CASE WHEN p.name IS NULL THEN r.email WHEN r.email IS NOT NULL THEN p.token END,
    reason = %(words)s,
    fingerprint = CASE WHEN p.name IS NULL THEN r.fingerprint ELSE '' END
FROM refused_contact AS same
LEFT JOIN forgotten_contact AS p ON p.name = same.contact
LEFT JOIN forgotten_user AS who ON who.name = same.user_id
LEFT JOIN forgotten_text AS naming ON naming.text = same.reason
WHERE r.ctid = same.ctid AND (p.name IS NOT NULL OR naming.text IS NOT NULL)
