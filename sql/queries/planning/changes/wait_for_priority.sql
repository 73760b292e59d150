-- Purpose: leaves a true to the next run for as long as its contact, or a user who enters there, may still be true in
-- another audience of the same priority: because its false waits (held, paused, contested, out of this plan), or may
-- be refused by itself. A false to the same contact is in the same call, unless each audience has its own: then, and to
-- another contact of the user, it has to be accepted first. What a rollback brings back, the warehouse has not ranked:
-- it waits where something else of the priority enters, and of two that it brings back, one waits. A computed trait has
-- no place in a priority.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach); entries, priorities (parallel arrays:
-- names or properties of audiences, and the number of their priority); per_audience (each audience has its own call).
-- Rows: none.
WITH named AS (
    SELECT audience.audience_id, audience.name, audience.property
    FROM audience
    WHERE NOT audience.is_trait
    UNION
    SELECT plan_audience.audience_id, plan_audience.name, plan_audience.property
    FROM plan_audience
    WHERE NOT plan_audience.is_trait
),
ranked AS (
    SELECT DISTINCT named.audience_id, given.priority
    FROM unnest(%(entries)s::text[], %(priorities)s::integer[]) AS given (entry, priority)
    JOIN named ON named.name = given.entry OR named.property = given.entry
),
rival AS MATERIALIZED (
    SELECT ranked.audience_id, other.audience_id AS other_id
    FROM ranked
    JOIN ranked AS other ON other.priority = ranked.priority AND other.audience_id <> ranked.audience_id
),
entering AS MATERIALIZED (
    SELECT contact_change.contact, contact_change.audience_id
    FROM contact_change
    WHERE contact_change.value
        AND contact_change.op <> 'covered'
        AND contact_change.waits IS NULL
        AND contact_change.audience_id IN (SELECT rival.audience_id FROM rival)
),
leaving AS MATERIALIZED (
    SELECT contact_change.contact, contact_change.audience_id
    FROM contact_change
    WHERE NOT %(per_audience)s AND NOT contact_change.value AND contact_change.waits IS NULL
),
by_contact AS (
    SELECT entering.contact, entering.audience_id
    FROM entering
    JOIN rival ON rival.audience_id = entering.audience_id
    JOIN (
        SELECT known_member.contact, known_member.audience_id FROM known_member
        UNION ALL
        SELECT uncertain.contact, uncertain.audience_id
        FROM uncertain
        WHERE uncertain.destination_id = %(destination_id)s
    ) AS believed ON believed.contact = entering.contact AND believed.audience_id = rival.other_id
    WHERE NOT EXISTS (
            SELECT FROM leaving
            WHERE leaving.contact = entering.contact AND leaving.audience_id = rival.other_id
        )
),
by_user AS (
    SELECT entering.contact, entering.audience_id
    FROM entering
    JOIN member_delta AS came
        ON came.kind = 'gain' AND came.contact = entering.contact AND came.audience_id = entering.audience_id
    JOIN rival ON rival.audience_id = entering.audience_id
    JOIN synced_member
        ON synced_member.destination_id = %(destination_id)s
        AND synced_member.user_id = came.user_id
        AND synced_member.audience_id = rival.other_id
        AND synced_member.contact <> entering.contact
    WHERE is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
),
back AS MATERIALIZED (
    SELECT entering.contact, entering.audience_id
    FROM entering
    JOIN approved_rollback
        ON approved_rollback.destination_id = %(destination_id)s
        AND approved_rollback.contact = entering.contact
        AND approved_rollback.audience_id = entering.audience_id
),
together AS (
    SELECT back.contact, back.audience_id, other.contact AS other_contact, other.audience_id AS other_id
    FROM back
    JOIN rival ON rival.audience_id = back.audience_id
    JOIN entering AS other ON other.contact = back.contact AND other.audience_id = rival.other_id
    UNION ALL
    SELECT back.contact, back.audience_id, other.contact, other.audience_id
    FROM back
    JOIN rival ON rival.audience_id = back.audience_id
    JOIN member_delta AS came
        ON came.kind = 'gain' AND came.contact = back.contact AND came.audience_id = back.audience_id
    JOIN member_delta AS comes
        ON comes.kind = 'gain' AND comes.user_id = came.user_id AND comes.audience_id = rival.other_id
    JOIN entering AS other ON other.contact = comes.contact AND other.audience_id = comes.audience_id
),
unranked AS (
    SELECT together.contact, together.audience_id
    FROM together
    LEFT JOIN back AS also
        ON also.contact = together.other_contact AND also.audience_id = together.other_id
    WHERE also.contact IS NULL OR together.other_id < together.audience_id
)
UPDATE contact_change
SET waits = 'deferred', yields = true
FROM (
    SELECT by_contact.contact, by_contact.audience_id FROM by_contact
    UNION
    SELECT by_user.contact, by_user.audience_id FROM by_user
    UNION
    SELECT unranked.contact, unranked.audience_id FROM unranked
) AS waiting
WHERE contact_change.contact = waiting.contact AND contact_change.audience_id = waiting.audience_id
