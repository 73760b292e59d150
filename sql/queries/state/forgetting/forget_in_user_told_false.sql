-- Purpose: nothing is known any more of what the profiles of people were told who are being forgotten.
-- Rows: none.
DELETE FROM user_told_false
USING forgotten_user
WHERE user_told_false.user_id = forgotten_user.name
