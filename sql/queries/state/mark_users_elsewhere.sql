-- Purpose: of the users whom a run told false by their user id, or may have told so, remembers those who are in the
-- audience all the same, at another contact: the call that was to tell their profile otherwise did not come, was
-- refused, or has no answer, and its contact may be somebody else's by the next run. That finds one that can tell it.
-- A user id that more contacts than a limit have is no identity: it is not followed.
-- Parameters: run_id, max_contacts.
-- Rows: none.
WITH told_false AS MATERIALIZED ( -- before anybody is looked up: nobody who was told true has to be
    SELECT DISTINCT
        sync_change.destination_id,
        sync_change.audience_id,
        coalesce(sync_change.told_as, sync_change.user_id) AS user_id
    FROM sync_change
    JOIN audience USING (audience_id)
    WHERE EXISTS (SELECT FROM user_told_false) -- asked once: without any, nothing is looked for
        AND sync_change.run_id = %(run_id)s
        AND sync_change.lead
        AND sync_change.value = CASE WHEN audience.is_trait THEN 'null' ELSE 'false' END::jsonb
    ORDER BY user_id, sync_change.audience_id -- as the index has them
),
elsewhere AS MATERIALIZED ( -- hardly anybody is: nothing more is looked up of the others
    SELECT told_false.destination_id, told_false.audience_id, told_false.user_id
    FROM told_false
    WHERE EXISTS (
            SELECT FROM synced_member
            WHERE synced_member.destination_id = told_false.destination_id
                AND synced_member.user_id = told_false.user_id
                AND synced_member.audience_id = told_false.audience_id
        )
)
UPDATE user_told_false
SET is_back = true
FROM elsewhere
WHERE user_told_false.destination_id = elsewhere.destination_id
    AND user_told_false.audience_id = elsewhere.audience_id
    AND user_told_false.user_id = elsewhere.user_id
    AND NOT user_told_false.is_back
    AND NOT EXISTS (
        SELECT FROM synced_member
        WHERE synced_member.destination_id = elsewhere.destination_id
            AND synced_member.user_id = elsewhere.user_id
        OFFSET %(max_contacts)s
    )
