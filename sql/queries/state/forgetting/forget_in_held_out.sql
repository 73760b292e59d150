-- Purpose: people who are being forgotten stay counted as held out, without their names.
-- Rows: none.
UPDATE held_out
SET user_id = forgotten_user.token
FROM forgotten_user
WHERE held_out.user_id = forgotten_user.name
