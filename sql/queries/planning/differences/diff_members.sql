-- Purpose: the one pass over both sides: every row that only the snapshot or only the state has, and those of both
-- that are due again. A row that cannot be sent never matches (such rows are never synced), so it is judged here too,
-- and only then. Rows that name no audience are there whatever audiences are compared: they may name anybody.
-- Out of reach the state stays as it was last told; so does what stands for people who were forgotten.
-- A table made of a query, and the audiences as parameters: an INSERT, or a temporary table in it, would have one process
-- do it all.
-- kind: gain (only the snapshot has it), lose (only the state has it), skip (cannot be sent, `reason`),
-- unsure (the contact's last call has no answer), again (both have it, and it is due again), retract (it was told
-- false, and that is due again), changed (both have it, with another `value` or other traits), spelled (a gain, unless
-- match_spelled finds that the state has it). named: a skipped row still names this contact or user.
-- Every column is carried through the join for every row: whatever can be had from others is not among them, and what
-- few rows need is worked out behind the join. So are contacts: taking blanks off costs as much as half of the join, and
-- of a hundred addresses hardly one has any. The join compares what is nearly the contact, `spelled`, and rows where
-- that was not enough say so.
-- Placeholders: source; spelled (the column of it that is the contact, but for surrounding blanks); contact (of `said`,
-- the contact itself); address (of `said` and `folded`).
-- Parameters: destination_id; reach_contacts, rollout (its reach); audience_ids, names, reads, due_before (parallel
-- arrays: see read_plan_audiences); all_audiences (true: hardly any of the state's is not among them); nameless (audience
-- names of blanks that the snapshot has); anything (false: there is nothing to compare, and neither side is read).
-- Rows: none; makes member_delta with gain, lose, again, skip and spelled.
CREATE TEMPORARY TABLE member_delta ON COMMIT DROP AS
WITH listed AS NOT MATERIALIZED (
    SELECT given.audience_id, given.name COLLATE "C" AS name, given.reads, given.due_before
    FROM unnest(
        %(audience_ids)s::integer[], %(names)s::text[], %(reads)s::boolean[], %(due_before)s::integer[]
    ) AS given (audience_id, name, reads, due_before)
)
SELECT
    CASE
        WHEN said.unsendable IS NULL THEN 'lose'
        WHEN told.audience_id IS NOT NULL THEN 'again'
        WHEN judged.reason IS NOT NULL THEN 'skip'
        WHEN folded.contact = said.spelled THEN 'gain'
        ELSE 'spelled'
    END COLLATE "C" AS kind,
    coalesce(told.audience_id, said.audience_id) AS audience_id,
    told.entered_run_id,
    told.entered_at,
    false AS named,
    coalesce(told.contact, folded.contact) AS contact,
    coalesce(told.user_id, said.user_id, said.unsendable_user_id) AS user_id,
    judged.reason COLLATE "C" AS reason,
    CASE WHEN judged.reason IS NOT NULL THEN said.audience END AS audience,
    CASE WHEN judged.reason IS NOT NULL THEN said.email END AS email,
    NULL::jsonb AS value
FROM (
    SELECT
        listed.audience_id,
        source.audience,
        CASE WHEN NOT source.unsendable THEN source.user_id END AS user_id,
        CASE WHEN source.unsendable THEN source.user_id END AS unsendable_user_id,
        {spelled} AS spelled,
        source.email,
        source.unsendable,
        listed.due_before
    FROM {source} AS source
    LEFT JOIN listed ON listed.name = source.audience
    WHERE listed.reads
        OR source.audience IS NULL
        OR source.audience = ANY (%(nameless)s::text[])
) AS said
FULL JOIN (
    SELECT
        m.audience_id,
        m.contact,
        m.user_id,
        m.entered_run_id,
        m.entered_at,
        m.told_run_id
    FROM synced_member AS m
    WHERE m.destination_id = %(destination_id)s
        AND (%(all_audiences)s::boolean OR m.audience_id = ANY (%(audience_ids)s::integer[]))
        AND is_in_reach(m.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
) AS told
    ON told.audience_id = said.audience_id AND told.contact = said.spelled AND told.user_id = said.user_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN said.unsendable IS NOT NULL AND told.audience_id IS NULL THEN {contact} END AS contact
    OFFSET 0 -- keeps the folding from being copied into every place that reads it
) AS folded
CROSS JOIN LATERAL (
    SELECT CASE WHEN said.unsendable IS NOT NULL AND told.audience_id IS NULL THEN
        coalesce(
            skip_reason(
                said.audience, coalesce(said.user_id, said.unsendable_user_id), {address}, said.unsendable
            ),
            CASE WHEN NOT is_in_reach(folded.contact, %(reach_contacts)s::text[], %(rollout)s::float8) THEN 'out_of_rollout' END
        )
    END AS reason
    OFFSET 0 -- the same for the judgement
) AS judged
WHERE %(anything)s::boolean
    AND CASE
        WHEN said.unsendable IS NULL THEN told.audience_id = ANY (%(audience_ids)s::integer[]) AND NOT is_token(told.contact)
        ELSE told.audience_id IS NULL OR told.told_run_id < said.due_before
    END
