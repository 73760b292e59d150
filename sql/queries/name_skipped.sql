-- Purpose: a skipped row is never read as an exit of the contact or user that it still names. Marks the lose and
-- unsure rows that some skipped row names: by contact, or by user if that user has no sendable row in the audience
-- (if he has one, his old address really is not his any more). A row that names no audience names all.
-- Parameters: destination_id.
-- Rows: none.
UPDATE member_delta AS d
SET named = true
FROM (
    SELECT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN member_delta AS skipped
        ON skipped.contact = gone.contact
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure') AND skipped.kind = 'skip'
    UNION
    SELECT gone.audience_id, gone.contact, gone.user_id
    FROM member_delta AS gone
    JOIN member_delta AS skipped
        ON skipped.user_id = gone.user_id
        AND (skipped.audience_id = gone.audience_id OR skipped.audience_id IS NULL)
    WHERE gone.kind IN ('lose', 'unsure') AND skipped.kind = 'skip'
        AND NOT EXISTS (
            SELECT FROM member_delta AS came
            WHERE came.kind = 'gain' AND came.user_id = gone.user_id AND came.audience_id = gone.audience_id
        )
        AND NOT EXISTS (
            SELECT FROM synced_member AS stays
            WHERE stays.destination_id = %(destination_id)s
                AND stays.user_id = gone.user_id
                AND stays.audience_id = gone.audience_id
                AND stays.contact <> gone.contact
                AND NOT EXISTS (
                    SELECT FROM member_delta AS lost
                    WHERE lost.kind = 'lose' AND lost.contact = stays.contact
                        AND lost.audience_id = stays.audience_id AND lost.user_id = stays.user_id
                )
        )
) AS still
WHERE d.kind IN ('lose', 'unsure')
    AND d.audience_id = still.audience_id
    AND d.contact = still.contact
    AND d.user_id = still.user_id
