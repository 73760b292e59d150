-- Purpose: the plan, written once, as the rows that stay as history; in the order of delivery.
-- Parameters: run_id, destination_id; events (whether the destination is told of who entered and left, once that was
-- accepted), initial_events (of an initial sync too).
-- Where one row enters and nothing else moves, as nearly always, the change itself has all there is to know of it.
-- Placeholders: partition (of sync_change, that of the run).
-- Rows: none.
INSERT INTO {partition} (
    run_id, destination_id, page, audience_id, entered_at, entered_run_id, op, effect, part, lead,
    contact, user_id, told_as, email, value, traits, event
)
WITH change AS (
    SELECT c.contact, c.audience_id, c.op, c.initial, c.part, c.value, c.said, 'gain' AS kind, c.came AS user_id,
        NULL::timestamptz AS entered_at, NULL::integer AS entered_run_id, true AS lead
    FROM contact_change AS c
    WHERE c.alone AND c.waits IS NULL
    UNION ALL
    SELECT c.contact, c.audience_id, c.op, c.initial, c.part, c.value, c.said, moved.kind, moved.user_id,
        moved.entered_at, moved.entered_run_id,
        row_number() OVER (PARTITION BY c.contact, c.audience_id ORDER BY moved.user_id) = 1
    FROM contact_change AS c
    LEFT JOIN (
        SELECT DISTINCT d.kind, d.audience_id, d.contact, d.user_id, d.entered_at, d.entered_run_id
        FROM member_delta AS d
        WHERE d.kind = 'gain' OR (d.kind = 'lose' AND NOT d.named)
    ) AS moved ON moved.contact = c.contact AND moved.audience_id = c.audience_id
    WHERE NOT c.alone AND c.waits IS NULL
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
    CASE WHEN planned.told THEN nullif(planned.caller, planned.user_id) END,
    planned.email,
    coalesce(planned.said, CASE WHEN planned.is_trait THEN 'null' ELSE to_jsonb(planned.value) END),
    CASE WHEN planned.told THEN planned.traits END,
    planned.event
FROM (
    SELECT
        CASE WHEN c.op = 'covered' THEN 0 ELSE i.page END AS page,
        c.audience_id,
        c.entered_at,
        c.entered_run_id,
        c.op,
        c.op <> 'covered' AS told,
        c.kind,
        c.part,
        c.lead,
        c.contact,
        coalesce(c.user_id, caller.user_id) AS user_id,
        caller.user_id AS caller,
        caller.email,
        caller.traits,
        c.value,
        c.said,
        listed.is_trait,
        %(events)s AND NOT listed.is_trait AND NOT listed.retired
            AND (c.op = 'removed' OR (c.op = 'added' AND (%(initial_events)s OR NOT c.initial))) AS event
    FROM change AS c
    JOIN plan_audience AS listed USING (audience_id)
    JOIN caller ON caller.contact = c.contact
    LEFT JOIN planned_identify AS i
        ON i.contact = c.contact AND (i.only_part = c.part OR i.only_part IS NULL) AND c.op <> 'covered'
) AS planned
ORDER BY planned.page, planned.contact, planned.audience_id, planned.user_id
