-- Purpose: says which call comes after which: that to a user's present contact after the false to an old one (see
-- find_followers).
-- Rows: none; fills follow_edge.
INSERT INTO follow_edge (contact, audience_id, after)
SELECT DISTINCT moved_user.follower, moved_user.audience_id, contact_change.contact
FROM contact_change
JOIN caller ON caller.contact = contact_change.contact
JOIN moved_user ON moved_user.user_id = caller.user_id AND moved_user.audience_id = contact_change.audience_id
WHERE NOT contact_change.value AND contact_change.waits IS NULL
