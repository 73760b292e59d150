-- Purpose: lists what the plan that was just made tells whom about which audience, or why that waits: of each audience,
-- op and reason to wait the first contacts.
-- why: null where it is plain: the user entered or left. suppressed, held_out or outranked (a row of the contact does
-- not count), uncertain (the last call about it has no answer), moved (the user left this contact for another one, or
-- came from one: their email changed), merged (the user who left this contact was at another one already), follows (the
-- user of the contact was told false at another one), due_again, refresh (it would expire at the destination).
-- Parameters: destination_id, destination (its name); limit (of each; null: all).
-- Rows: destination, audience, property, op, contact, user_id, value (as JSON text), waits, why.
WITH numbered AS MATERIALIZED (
    SELECT
        contact_change.contact,
        contact_change.audience_id,
        contact_change.op,
        contact_change.value,
        contact_change.trait_value,
        contact_change.earliest_urgency,
        contact_change.waits,
        row_number() OVER (
            PARTITION BY contact_change.audience_id, contact_change.op, contact_change.waits
            ORDER BY contact_change.contact
        ) AS place
    FROM contact_change
    WHERE contact_change.op <> 'covered'
),
chosen AS MATERIALIZED (
    SELECT numbered.* FROM numbered WHERE numbered.place <= coalesce(%(limit)s::bigint, numbered.place)
),
mover AS MATERIALIZED (
    SELECT
        here.contact,
        here.audience_id,
        bool_or(there.kind = 'gain') FILTER (WHERE here.kind = 'lose') AS left_for,
        bool_or(there.kind = 'lose' AND NOT there.still_named) FILTER (WHERE here.kind = 'gain') AS came_from,
        bool_or(stays.contact IS NOT NULL) AS merged
    FROM chosen
    JOIN member_delta AS here
        ON here.contact = chosen.contact
        AND here.audience_id = chosen.audience_id
        AND (here.kind = 'gain' OR (here.kind = 'lose' AND NOT here.still_named))
    LEFT JOIN member_delta AS there
        ON there.user_id = here.user_id
        AND there.audience_id = here.audience_id
        AND there.contact <> here.contact
        AND there.kind IN ('gain', 'lose')
    LEFT JOIN synced_member AS stays
        ON here.kind = 'lose'
        AND stays.destination_id = %(destination_id)s
        AND stays.user_id = here.user_id
        AND stays.audience_id = here.audience_id
        AND stays.contact <> here.contact
        AND there.contact IS NULL
    GROUP BY here.contact, here.audience_id
),
withheld AS MATERIALIZED (
    SELECT member_delta.contact, member_delta.audience_id, min(member_delta.reason) AS reason
    FROM member_delta
    WHERE member_delta.kind = 'skip' AND member_delta.reason IN ('held_out', 'outranked')
    GROUP BY member_delta.contact, member_delta.audience_id
)
SELECT
    %(destination)s::text AS destination,
    plan_audience.name AS audience,
    plan_audience.property,
    chosen.op::text AS op,
    chosen.contact,
    caller.user_id,
    coalesce(
        chosen.trait_value,
        CASE WHEN plan_audience.is_trait THEN 'null' ELSE to_jsonb(chosen.value) END
    )::text AS value,
    chosen.waits,
    CASE
        WHEN suppressed_contact.contact IS NOT NULL THEN 'suppressed'
        WHEN chosen.op = 'removed' AND withheld.contact IS NOT NULL THEN withheld.reason
        WHEN uncertain.contact IS NOT NULL THEN 'uncertain'
        WHEN chosen.op = 'removed' AND mover.left_for OR chosen.op = 'added' AND mover.came_from THEN 'moved'
        WHEN chosen.op = 'removed' AND mover.merged THEN 'merged'
        WHEN chosen.op = 'reasserted' AND chosen.earliest_urgency > 0 THEN 'follows'
        WHEN chosen.op = 'reasserted' THEN 'due_again'
        WHEN chosen.op = 'refreshed' THEN 'refresh'
    END AS why
FROM chosen
JOIN plan_audience ON plan_audience.audience_id = chosen.audience_id
JOIN caller ON caller.contact = chosen.contact
LEFT JOIN mover ON mover.contact = chosen.contact AND mover.audience_id = chosen.audience_id
LEFT JOIN suppressed_contact ON suppressed_contact.contact = chosen.contact
LEFT JOIN withheld ON withheld.contact = chosen.contact AND withheld.audience_id = chosen.audience_id
LEFT JOIN uncertain
    ON uncertain.destination_id = %(destination_id)s
    AND uncertain.contact = chosen.contact
    AND uncertain.audience_id = chosen.audience_id
ORDER BY plan_audience.name, chosen.op, chosen.waits NULLS FIRST, chosen.contact
