-- Purpose: counts what these audiences would lose together at one destination: properties of contacts that would be
-- told false, and of these contacts those that would be true nowhere any more. What has passed the guard is not counted
-- (see count_guarded), nor is whoever is suppressed.
-- Parameters: destination_id, audience_ids.
-- Rows: one: removed, emptied.
WITH going AS MATERIALIZED (
    SELECT contact_change.contact, contact_change.audience_id
    FROM contact_change
    WHERE contact_change.op = 'removed' AND contact_change.waits IS NULL
),
counted AS MATERIALIZED (
    SELECT going.contact
    FROM going
    WHERE going.audience_id = ANY (%(audience_ids)s::integer[])
        AND NOT EXISTS (SELECT FROM suppressed_contact WHERE suppressed_contact.contact = going.contact)
        AND NOT EXISTS (
            SELECT FROM passed_change
            WHERE passed_change.destination_id = %(destination_id)s
                AND passed_change.audience_id = going.audience_id
                AND passed_change.contact = going.contact
                AND passed_change.op = 'removed'
        )
),
left_true AS (
    SELECT known_member.contact
    FROM known_member
    LEFT JOIN contact_change AS gone -- not `going`: of that the planner knows nothing, and might sort both sides
        ON gone.contact = known_member.contact
        AND gone.audience_id = known_member.audience_id
        AND gone.op = 'removed'
        AND gone.waits IS NULL
    WHERE gone.contact IS NULL
        AND known_member.audience_id NOT IN (SELECT audience.audience_id FROM audience WHERE audience.is_trait)
    UNION ALL
    SELECT contact_change.contact
    FROM contact_change
    JOIN plan_audience ON plan_audience.audience_id = contact_change.audience_id AND NOT plan_audience.is_trait
    WHERE contact_change.value AND contact_change.waits IS NULL
)
SELECT
    (SELECT count(*) FROM counted) AS removed,
    (
        SELECT count(DISTINCT counted.contact)
        FROM counted
        LEFT JOIN left_true ON left_true.contact = counted.contact
        WHERE left_true.contact IS NULL
    ) AS emptied
