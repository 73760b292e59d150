-- Purpose: lets a call about what is uncertain name the user whom the unanswered call named, if they are at the contact
-- still: it is their profile of which it is not known what it was told.
-- Rows: none.
UPDATE caller
SET user_id = doubted.user_id
FROM (
    SELECT unsure.contact, min(unsure.user_id) AS user_id
    FROM member_delta AS unsure
    LEFT JOIN known_member
        ON known_member.contact = unsure.contact
        AND known_member.audience_id = unsure.audience_id
        AND known_member.user_id = unsure.user_id
    LEFT JOIN member_delta AS moved
        ON (moved.kind = 'gain' OR (moved.kind = 'lose' AND NOT moved.still_named))
        AND moved.contact = unsure.contact
        AND moved.audience_id = unsure.audience_id
        AND moved.user_id = unsure.user_id
    WHERE unsure.kind = 'unsure'
        AND (moved.kind = 'gain' OR (moved.kind IS NULL AND known_member.contact IS NOT NULL))
    GROUP BY unsure.contact
) AS doubted
WHERE caller.contact = doubted.contact AND caller.user_id <> doubted.user_id
