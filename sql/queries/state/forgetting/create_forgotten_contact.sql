-- Purpose: what each destination knows those by who are being forgotten, and what stands for it from now on.
-- Rows: none.
CREATE TEMPORARY TABLE forgotten_contact ON COMMIT DROP AS
SELECT destination.destination_id, forgotten_email.name AS contact, forgotten_email.token
FROM forgotten_email
JOIN destination ON destination.account ->> 'identity' = 'email'
UNION ALL
SELECT destination.destination_id, forgotten_user.name, forgotten_user.token
FROM forgotten_user
JOIN destination ON destination.account ->> 'identity' = 'user_id'
