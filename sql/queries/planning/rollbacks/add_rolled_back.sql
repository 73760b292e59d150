-- Purpose: adds what is taken back to the differences, as if the snapshot were what it was before that run: who was
-- told true leaves with all rows, who was told false comes back with the rows that left then, and where the answer was
-- lost, the present value is told. Nobody comes back, or is told true once more, who is held out of the audience by
-- now: of whom nothing is told here, the next plan judges by the warehouse again. Tokens are of forgotten people.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach); run_ids (that are taken back);
-- held_out_of, seeds, shares (parallel arrays: audiences with a holdout).
-- Rows: none; fills member_delta with gain, lose and unsure.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email, entered_run_id, entered_at, told_run_id)
WITH suppressed AS MATERIALIZED ( -- once: read beside what is added, it would grow with every row
    SELECT member_delta.contact, member_delta.audience_id
    FROM member_delta
    WHERE member_delta.suppressed
),
back AS MATERIALIZED (
    SELECT
        approved_rollback.audience_id,
        approved_rollback.contact,
        approved_rollback.op,
        approved_rollback.rolls_back_run_id
    FROM approved_rollback
    JOIN plan_audience ON plan_audience.audience_id = approved_rollback.audience_id AND NOT plan_audience.retired
    WHERE approved_rollback.destination_id = %(destination_id)s
        AND is_in_reach(approved_rollback.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        AND NOT EXISTS (
            SELECT FROM suppressed
            WHERE suppressed.contact = approved_rollback.contact
                AND suppressed.audience_id = approved_rollback.audience_id
        )
),
holdout AS (
    SELECT given.audience_id, given.seed, given.share
    FROM unnest(%(held_out_of)s::integer[], %(seeds)s::text[], %(shares)s::float8[])
        AS given (audience_id, seed, share)
)
SELECT
    'lose',
    back.audience_id,
    back.contact,
    synced_member.user_id,
    NULL,
    synced_member.entered_run_id,
    synced_member.entered_at,
    synced_member.told_run_id
FROM back
JOIN synced_member
    ON synced_member.destination_id = %(destination_id)s
    AND synced_member.contact = back.contact
    AND synced_member.audience_id = back.audience_id
WHERE back.op = 'removed'
UNION ALL
SELECT DISTINCT
    'gain',
    back.audience_id,
    back.contact,
    sync_change.user_id,
    sync_change.email,
    NULL::integer,
    NULL::timestamptz,
    NULL::integer
FROM back
JOIN sync_change
    ON sync_change.run_id = ANY (%(run_ids)s::integer[])
    AND sync_change.run_id = back.rolls_back_run_id
    AND sync_change.destination_id = %(destination_id)s
    AND sync_change.contact = back.contact
    AND sync_change.audience_id = back.audience_id
WHERE back.op = 'added'
    AND sync_change.effect = 'lose'
    AND NOT is_token(sync_change.user_id)
    AND NOT EXISTS (
        SELECT FROM holdout
        WHERE holdout.audience_id = back.audience_id AND is_held_out(sync_change.user_id, holdout.seed, holdout.share)
    )
UNION ALL
SELECT 'unsure', back.audience_id, back.contact, uncertain.user_id, uncertain.email, NULL, NULL, NULL
FROM back
JOIN uncertain
    ON uncertain.destination_id = %(destination_id)s
    AND uncertain.contact = back.contact
    AND uncertain.audience_id = back.audience_id
WHERE NOT EXISTS (
        SELECT FROM holdout
        WHERE holdout.audience_id = back.audience_id AND is_held_out(uncertain.user_id, holdout.seed, holdout.share)
    )
