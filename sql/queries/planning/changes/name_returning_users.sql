-- Purpose: lets a call about somebody who enters name them, if they were told false by their user id before: else their
-- profile would stay false, because the call names the smallest user of the contact.
-- Parameters: destination_id.
-- Rows: none.
UPDATE caller
SET user_id = back.user_id
FROM (
    SELECT gain.contact, min(gain.user_id) AS user_id
    FROM member_delta AS gain
    JOIN user_told_false
        ON user_told_false.destination_id = %(destination_id)s
        AND user_told_false.audience_id = gain.audience_id
        AND user_told_false.user_id = gain.user_id
    WHERE gain.kind = 'gain'
    GROUP BY gain.contact
) AS back
WHERE caller.contact = back.contact AND caller.user_id <> back.user_id
