-- Purpose: writes the plan once, as the rows that stay as history, in the order of delivery. Nearly always one row
-- enters and nothing else moves: then contact_change has all there is to know, and member_delta is not asked.
-- Placeholders: partition (of sync_change, that of the run).
-- Parameters: run_id, destination_id; events (the destination is told who entered and left, once that was accepted),
-- initial_events (of an initial sync too).
-- Rows: none.
INSERT INTO {partition} (
    run_id, destination_id, page, audience_id, entered_at, entered_run_id, op, effect, part, lead,
    contact, user_id, told_as, email, value, traits, event
)
WITH change AS (
    SELECT
        contact_change.contact,
        contact_change.audience_id,
        contact_change.op,
        contact_change.initial,
        contact_change.part,
        contact_change.value,
        contact_change.trait_value,
        'gain' AS kind,
        contact_change.entering_user_id AS user_id,
        NULL::timestamptz AS entered_at,
        NULL::integer AS entered_run_id,
        true AS lead
    FROM contact_change
    WHERE contact_change.enters_alone AND contact_change.waits IS NULL
    UNION ALL
    SELECT
        contact_change.contact,
        contact_change.audience_id,
        contact_change.op,
        contact_change.initial,
        contact_change.part,
        contact_change.value,
        contact_change.trait_value,
        moved.kind,
        moved.user_id,
        moved.entered_at,
        moved.entered_run_id,
        row_number() OVER (
            PARTITION BY contact_change.contact, contact_change.audience_id ORDER BY moved.user_id
        ) = 1
    FROM contact_change
    LEFT JOIN (
        SELECT DISTINCT
            member_delta.kind,
            member_delta.audience_id,
            member_delta.contact,
            member_delta.user_id,
            member_delta.entered_at,
            member_delta.entered_run_id
        FROM member_delta
        WHERE member_delta.kind = 'gain' OR (member_delta.kind = 'lose' AND NOT member_delta.still_named)
    ) AS moved ON moved.contact = contact_change.contact AND moved.audience_id = contact_change.audience_id
    WHERE NOT contact_change.enters_alone AND contact_change.waits IS NULL
)
SELECT
    %(run_id)s,
    %(destination_id)s,
    planned.page,
    planned.audience_id,
    planned.entered_at,
    planned.entered_run_id,
    planned.op,
    coalesce(planned.kind, 'none')::row_effect,
    planned.part,
    planned.lead,
    planned.contact,
    planned.user_id,
    CASE WHEN planned.has_call THEN nullif(planned.called_as, planned.user_id) END,
    planned.email,
    coalesce(
        planned.trait_value,
        CASE -- constants, because to_jsonb of every row costs a tenth of all of this
            WHEN planned.is_trait THEN 'null'::jsonb
            WHEN planned.value THEN 'true'::jsonb
            ELSE 'false'::jsonb
        END
    ),
    CASE WHEN planned.has_call THEN planned.traits END,
    planned.event
FROM (
    SELECT
        CASE WHEN change.op = 'covered' THEN 0 ELSE planned_identify.page END AS page,
        CASE WHEN change.op = 'covered' THEN 0 ELSE planned_identify.place END AS place,
        change.audience_id,
        change.entered_at,
        change.entered_run_id,
        change.op,
        change.op <> 'covered' AS has_call,
        change.kind,
        change.part,
        change.lead,
        change.contact,
        coalesce(change.user_id, caller.user_id) AS user_id,
        caller.user_id AS called_as,
        caller.email,
        caller.traits,
        change.value,
        change.trait_value,
        plan_audience.is_trait,
        %(events)s AND NOT plan_audience.is_trait AND NOT plan_audience.retired
            AND (change.op = 'removed' OR (change.op = 'added' AND (%(initial_events)s OR NOT change.initial))) AS event
    FROM change
    JOIN plan_audience USING (audience_id)
    JOIN caller ON caller.contact = change.contact
    LEFT JOIN planned_identify
        ON planned_identify.contact = change.contact
        AND (planned_identify.only_part = change.part OR planned_identify.only_part IS NULL)
        AND change.op <> 'covered'
) AS planned
ORDER BY planned.place, planned.contact, planned.audience_id, planned.user_id
