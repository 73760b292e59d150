-- Purpose: remembers that users are in an audience again whose profile was told false by their user id: a call to their
-- contact may have to name another user in this run, and the row that entered is no difference for the next one.
-- Parameters: destination_id.
-- Rows: none.
UPDATE user_told_false
SET is_back = true
FROM member_delta
WHERE user_told_false.destination_id = %(destination_id)s
    AND user_told_false.user_id = member_delta.user_id
    AND user_told_false.audience_id = member_delta.audience_id
    AND NOT user_told_false.is_back
    AND member_delta.kind = 'gain'
