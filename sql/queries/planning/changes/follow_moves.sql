-- Purpose: lets a false to one contact be followed by the current value to a contact where its user is now (see
-- find_followers). If that is told the value anyway, it only goes later; if its change was covered, it is told after
-- all; if it had no change, it is reasserted. order_identifies lists the classes of urgency.
-- Parameters: destination_id.
-- Rows: none; fills contact_change.
WITH present AS MATERIALIZED (
    SELECT
        moved_user.follower AS contact,
        moved_user.audience_id,
        moved_user.value,
        CASE
            WHEN unanswered_contact.contact IS NOT NULL THEN 6 -- after those that did not answer
            WHEN contact_change.op = 'removed' AND NOT plan_audience.retired THEN 2 -- after the removals
            ELSE 4 -- after the backfills, reassertions and retirements
        END AS follower_urgency
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    JOIN caller ON caller.contact = contact_change.contact
    JOIN moved_user ON moved_user.user_id = caller.user_id AND moved_user.audience_id = contact_change.audience_id
    LEFT JOIN unanswered_contact
        ON unanswered_contact.destination_id = %(destination_id)s
        AND unanswered_contact.contact = contact_change.contact
        AND unanswered_contact.runs >= 2
    WHERE NOT contact_change.value AND contact_change.waits IS NULL
    UNION ALL
    SELECT moved_user.follower, moved_user.audience_id, moved_user.value, 4
    FROM moved_user
    WHERE moved_user.returns AND moved_user.fit < 4
),
follower AS MATERIALIZED (
    SELECT
        present.contact,
        present.audience_id,
        max(present.follower_urgency)::smallint AS urgency,
        min(present.value::text)::jsonb AS value
    FROM present
    GROUP BY present.contact, present.audience_id
),
refused AS MATERIALIZED (
    SELECT contact_change.contact
    FROM contact_change
    WHERE contact_change.waits = 'refused'
),
told_later AS (
    UPDATE contact_change
    SET earliest_urgency = follower.urgency,
        op = CASE WHEN contact_change.op IN ('covered', 'refreshed') THEN 'reasserted' ELSE contact_change.op END,
        waits = CASE
            WHEN contact_change.op <> 'covered' THEN contact_change.waits
            WHEN contact_change.contact IN (SELECT refused.contact FROM refused) THEN 'refused'
        END
    FROM follower
    WHERE contact_change.contact = follower.contact AND contact_change.audience_id = follower.audience_id
)
INSERT INTO contact_change (contact, audience_id, op, initial, earliest_urgency, value, trait_value, waits)
SELECT
    follower.contact,
    follower.audience_id,
    'reasserted',
    plan_audience.initial,
    follower.urgency,
    true,
    follower.value,
    CASE WHEN follower.contact IN (SELECT refused.contact FROM refused) THEN 'refused' END
FROM follower
JOIN plan_audience USING (audience_id)
WHERE NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = follower.contact AND contact_change.audience_id = follower.audience_id
    )
