-- Purpose: rows to contacts (two users of one email are one contact). A contact has a property while any row has.
-- before: the state has a row. after: some row stays or comes. Only an accepted, certain true covers; what is
-- uncertain or due again is told its current value, whatever it is, unless a skipped row still names its only member.
-- A computed trait's value is the one that was read, else the one that was told; who never had one and has none now is
-- left alone unless the trait is taken back (`keeps`).
-- Rows: none; fills contact_change.
INSERT INTO contact_change (contact, audience_id, op, initial, value, said, came, alone)
WITH moved AS (
    SELECT
        d.contact,
        d.audience_id,
        min(d.user_id) FILTER (WHERE d.kind = 'gain') AS came,
        max(d.user_id) FILTER (WHERE d.kind = 'gain') AS came_last,
        count(*) FILTER (WHERE d.kind = 'lose' AND NOT d.named) AS losses,
        bool_or(d.kind = 'unsure') AS unsure,
        bool_or(d.kind = 'again') AS again,
        bool_or(d.kind = 'changed') AS changed,
        min(d.value::text)::jsonb AS said,
        bool_or(d.kind = 'retract') AS retract,
        bool_or(d.named) AS named
    FROM member_delta AS d
    WHERE d.kind <> 'skip'
    GROUP BY d.contact, d.audience_id
),
known AS (
    SELECT m.contact, m.audience_id, count(*) AS rows, min(m.value::text)::jsonb AS value
    FROM known_member AS m
    WHERE (m.contact, m.audience_id) IN (SELECT d.contact, d.audience_id FROM member_delta AS d WHERE d.kind <> 'skip')
    GROUP BY m.contact, m.audience_id
)
SELECT
    pair.contact,
    pair.audience_id,
    CASE
        WHEN pair.after AND pair.before AND NOT (pair.unsure OR pair.again) THEN
            CASE WHEN pair.changed OR pair.said <> pair.told THEN 'trait_changed' ELSE 'covered' END
        WHEN pair.after AND pair.before THEN 'reasserted'
        WHEN pair.after THEN 'added'
        WHEN pair.before OR pair.unsure THEN 'removed'
        ELSE 'reasserted'
    END::change_op,
    listed.initial AND NOT (listed.begun AND is_in_reach(pair.contact, listed.reached_contacts, listed.reached_rollout)),
    pair.after,
    CASE WHEN pair.after THEN coalesce(pair.said, pair.told) END,
    pair.came,
    pair.alone
FROM (
    SELECT
        moved.contact,
        moved.audience_id,
        moved.unsure,
        moved.again,
        moved.changed,
        moved.retract,
        moved.named,
        moved.said,
        moved.came,
        coalesce(moved.came = moved.came_last AND moved.losses = 0, false) AS alone,
        known.value AS told,
        known.rows IS NOT NULL AS before,
        moved.came IS NOT NULL OR coalesce(known.rows, 0) > moved.losses AS after
    FROM moved
    LEFT JOIN known ON known.contact = moved.contact AND known.audience_id = moved.audience_id
    WHERE moved.came IS NOT NULL OR moved.losses > 0 OR moved.unsure OR moved.again OR moved.changed OR moved.retract
) AS pair
JOIN plan_audience AS listed USING (audience_id)
WHERE (pair.after OR pair.before OR pair.retract OR NOT pair.named)
    AND (pair.after OR NOT listed.keeps OR NOT listed.is_trait)
