-- Purpose: leaves the false to an old contact to the next run where it could not be followed in this one, because the
-- call to the user's present contact has to name another user of it: one call can name one user. Of several users who
-- need a call of the same contact the smallest goes first.
-- Rows: none; leaves in moved_user those who are followed.
WITH first AS (
    SELECT DISTINCT ON (moved_user.follower) moved_user.follower, moved_user.user_id
    FROM moved_user
    WHERE moved_user.fit <= 2
    ORDER BY moved_user.follower, moved_user.fit, moved_user.user_id
),
late AS (
    DELETE FROM moved_user
    USING moved_user AS same
    LEFT JOIN first ON first.follower = same.follower AND first.user_id = same.user_id
    WHERE moved_user.user_id = same.user_id
        AND moved_user.audience_id = same.audience_id
        AND moved_user.fit < 4
        AND (moved_user.fit = 3 OR first.follower IS NULL)
    RETURNING moved_user.user_id, moved_user.audience_id
)
UPDATE contact_change
SET waits = 'deferred'
FROM late
JOIN caller ON caller.user_id = late.user_id
WHERE contact_change.contact = caller.contact
    AND contact_change.audience_id = late.audience_id
    AND NOT contact_change.value
    AND contact_change.waits IS NULL
