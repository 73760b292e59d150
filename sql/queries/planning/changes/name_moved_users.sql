-- Purpose: lets the calls that follow a false name the user whom that named (see find_followers), where they would name
-- another user of the contact. Such a call tells nothing else.
-- Rows: none.
UPDATE caller
SET user_id = moved_user.user_id
FROM moved_user
WHERE moved_user.fit = 2 AND caller.contact = moved_user.follower AND caller.user_id <> moved_user.user_id
