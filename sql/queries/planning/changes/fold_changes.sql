-- Purpose: folds the differing rows into what becomes of each property of each contact. Two users with one email are
-- one contact, which has the property as long as one of its rows has it: `before`, the state has a row of it; `after`,
-- a row stays or enters. Only an accepted, certain true makes a change covered. A contact that is uncertain or due
-- again is told its present value, whatever it is and whoever its rows are now, unless a skipped row still names its
-- only member. A computed trait
-- has the value that was read, else the one that was last accepted; a contact without one is left alone where the trait
-- keeps those who drop out of it, or told null again if that is what it was told last.
-- Rows: none; fills contact_change.
INSERT INTO contact_change (
    contact, audience_id, op, initial, value, trait_value, entering_user_id, enters_alone
)
WITH differing AS (
    SELECT
        member_delta.contact,
        member_delta.audience_id,
        min(member_delta.user_id) FILTER (WHERE member_delta.kind = 'gain') AS first_entering,
        max(member_delta.user_id) FILTER (WHERE member_delta.kind = 'gain') AS last_entering,
        count(*) FILTER (WHERE member_delta.kind = 'lose' AND NOT member_delta.still_named) AS losses,
        bool_or(member_delta.kind = 'unsure') AS unsure,
        bool_or(member_delta.kind = 'again') AS again,
        bool_or(member_delta.kind = 'lose' AND member_delta.told_run_id < plan_audience.due_before) AS lost_due,
        bool_or(member_delta.kind = 'changed') AS changed,
        bool_or(member_delta.kind = 'retract') AS retract,
        bool_or(member_delta.kind = 'refresh') AS refresh,
        bool_or(member_delta.still_named) AS still_named,
        min(member_delta.value::text)::jsonb AS value
    FROM member_delta
    JOIN plan_audience USING (audience_id)
    WHERE member_delta.kind <> 'skip'
    GROUP BY member_delta.contact, member_delta.audience_id
),
known AS (
    SELECT
        known_member.contact,
        known_member.audience_id,
        count(*) AS rows,
        min(known_member.value::text)::jsonb AS value
    FROM known_member
    WHERE (known_member.contact, known_member.audience_id) IN (
            SELECT member_delta.contact, member_delta.audience_id FROM member_delta WHERE member_delta.kind <> 'skip'
        )
    GROUP BY known_member.contact, known_member.audience_id
)
SELECT
    pair.contact,
    pair.audience_id,
    CASE
        WHEN pair.after AND pair.before AND NOT (pair.unsure OR pair.again OR coalesce(pair.lost_due, false)) THEN
            CASE
                WHEN pair.changed OR pair.value <> pair.known_value THEN 'trait_changed'
                WHEN pair.refresh THEN 'refreshed'
                ELSE 'covered'
            END
        WHEN pair.after AND pair.before THEN 'reasserted'
        WHEN pair.after THEN 'added'
        WHEN pair.before OR pair.unsure THEN 'removed'
        ELSE 'reasserted'
    END::change_op,
    plan_audience.initial
        AND NOT (
            plan_audience.begun
            AND was_in_reach(pair.contact, plan_audience.reached_hashes, plan_audience.reached_rollout)
        ),
    pair.after,
    CASE WHEN pair.after THEN coalesce(pair.value, pair.known_value) END,
    pair.first_entering,
    pair.enters_alone
FROM (
    SELECT
        differing.contact,
        differing.audience_id,
        differing.unsure,
        differing.again,
        differing.lost_due,
        differing.changed,
        differing.retract,
        differing.refresh,
        differing.still_named,
        differing.value,
        known.value AS known_value,
        differing.first_entering,
        coalesce(differing.first_entering = differing.last_entering AND differing.losses = 0, false) AS enters_alone,
        known.rows IS NOT NULL AS before,
        differing.first_entering IS NOT NULL OR coalesce(known.rows, 0) > differing.losses AS after
    FROM differing
    LEFT JOIN known ON known.contact = differing.contact AND known.audience_id = differing.audience_id
    WHERE differing.first_entering IS NOT NULL
        OR differing.losses > 0
        OR differing.unsure
        OR differing.again
        OR differing.changed
        OR differing.retract
        OR differing.refresh
) AS pair
JOIN plan_audience USING (audience_id)
WHERE (pair.after OR pair.before OR pair.retract OR NOT pair.still_named)
    AND (pair.after OR pair.retract OR NOT plan_audience.keeps OR NOT plan_audience.is_trait)
