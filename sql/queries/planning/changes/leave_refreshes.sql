-- Purpose: leaves to the next run what is only told before it expires, where the contact's call has to name another
-- user for a false that it follows (see find_followers): such a call tells nothing else.
-- Rows: none.
DELETE FROM contact_change
USING moved_user
WHERE contact_change.op = 'refreshed' AND moved_user.fit = 2 AND moved_user.follower = contact_change.contact
