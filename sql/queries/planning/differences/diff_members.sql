-- Purpose: compares all of the snapshot with all that the destination accepted, and makes member_delta of what differs.
-- A row that cannot be sent matches nothing in the state where the contact is the address, since nothing like it was
-- ever accepted: it is found here too. Where the contact is the user id, a row whose address went wrong does match: it
-- is a skip all the same, and the state keeps its row. Left out are contacts beyond the destination's reach, and the
-- tokens that stand for people who were forgotten.
-- Placeholders: join (FULL, or LEFT where the destination was told of nobody: before PostgreSQL 16 only that is done by
-- several processes); source; join_key (the column of `source` that is the contact, but for blanks around an address,
-- unless many have some: see are_padded);
-- contact (of `snapshot`: the contact itself); address (of `snapshot` and `folded`: the email without those blanks);
-- judges (whether a row that the state has, too, may be one that cannot be sent); accepted (synced_member, or of it
-- what the state has of those of whom all is staged, where the snapshot is a part: see `Snapshot.accepted`).
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach); audience_ids, names, reads, due_before
-- (parallel arrays: see list_compared_audiences); all_audiences (true: those are nearly all that the state has, so that
-- it is read whole); only_contacts (all that are within reach, looked up by the index; null: that is no list);
-- nameless (blank names of audiences in the snapshot: such rows may be about anybody); anything
-- (false: there is nothing to compare, and neither side is read).
-- Rows: none; makes member_delta, of these kinds:
--     gain     only the snapshot has the row
--     padded   the same, but blanks surround the address: match_padded looks for the row in the state once more
--     lose     only the state has the row
--     again    both have the row, and it is due again
--     skip     the row cannot be sent, for this `reason`
--     changed  both have the row, with another `value` (diff_values) or other traits (add_profile_changes)
--     unsure   the contact's last call has no answer (add_uncertain)
--     retract  false was the last value that was accepted, and it is due again (add_retractions)
--     refresh  both have the row, and it is time to tell it once more, before it expires (add_refreshes)
-- told_run_id: of a lose row, the run that told it last (fold_changes: it may be due again).
-- still_named: a skipped row still names the contact or user of a lose or unsure row (mark_still_named).
--
-- Its form is for speed. It creates a table from a query, and takes the audiences as arrays, because PostgreSQL would
-- not run an INSERT, or a query of a temporary table, in parallel. Of an array the planner takes the values for 200
-- different ones, and would put all rows into a hash in place of the thousands of audiences: DISTINCT tells it that no
-- two have one name. The join carries its columns for every row, so it has few of them, and whatever only few rows need
-- is worked out after it. It joins by `join_key`, because taking the blanks off every address would cost half as much
-- as the join, and as a rule hardly one in a hundred has any.
-- Folding and judging are subqueries of their own: each is worked out once a row, and by the workers, which LATERAL, or
-- a plain 0 as the OFFSET, would leave to the leader. In a first sync that is every row.
CREATE TEMPORARY TABLE member_delta AS
WITH compared AS NOT MATERIALIZED (
    SELECT DISTINCT ON (given.name) given.audience_id, given.name COLLATE "C" AS name, given.reads, given.due_before
    FROM unnest(
        %(audience_ids)s::integer[], %(names)s::text[], %(reads)s::boolean[], %(due_before)s::integer[]
    ) AS given (audience_id, name, reads, due_before)
)
SELECT
    CASE
        WHEN judged.unsendable IS NULL THEN 'lose'
        WHEN judged.reason IS NOT NULL THEN 'skip'
        WHEN judged.known THEN 'again'
        WHEN judged.contact = judged.join_key THEN 'gain'
        ELSE 'padded'
    END COLLATE "C" AS kind,
    judged.audience_id,
    judged.entered_run_id,
    judged.entered_at,
    CASE WHEN judged.unsendable IS NULL THEN judged.told_run_id END AS told_run_id,
    false AS still_named,
    coalesce(judged.known_contact, judged.contact) AS contact,
    judged.user_id,
    judged.reason COLLATE "C" AS reason,
    CASE WHEN judged.reason IS NOT NULL THEN judged.audience END AS audience,
    CASE WHEN judged.reason IS NOT NULL THEN judged.email END AS email,
    NULL::jsonb AS value
FROM (
    SELECT
        folded.*,
        CASE WHEN folded.unsendable IS NOT NULL AND (NOT folded.known OR {judges}) THEN
            coalesce(
                skip_reason(folded.audience, folded.user_id, {address}, folded.unsendable),
                CASE
                    WHEN NOT is_in_reach(folded.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
                        THEN 'out_of_rollout'
                END
            )
        END AS reason
    FROM (
        SELECT
            snapshot.audience,
            snapshot.email,
            snapshot.unsendable,
            snapshot.join_key,
            synced.entered_run_id,
            synced.entered_at,
            synced.told_run_id,
            synced.contact AS known_contact,
            synced.audience_id IS NOT NULL AS known,
            synced.told_run_id < snapshot.due_before AS due,
            coalesce(synced.audience_id, snapshot.audience_id) AS audience_id,
            coalesce(synced.user_id, snapshot.user_id, snapshot.unsendable_user_id) AS user_id,
            CASE
                WHEN snapshot.unsendable IS NOT NULL AND (synced.audience_id IS NULL OR {judges}) THEN {contact}
            END AS contact
        FROM (
            SELECT
                compared.audience_id,
                source.audience,
                CASE WHEN NOT source.unsendable THEN source.user_id END AS user_id,
                CASE WHEN source.unsendable THEN source.user_id END AS unsendable_user_id,
                {join_key} AS join_key,
                source.email,
                source.unsendable,
                compared.due_before
            FROM {source} AS source
            LEFT JOIN compared ON compared.name = source.audience
            WHERE compared.reads
                OR source.audience IS NULL
                OR source.audience = ANY (%(nameless)s::text[])
        ) AS snapshot
        {join} JOIN (
            SELECT
                synced_member.audience_id,
                synced_member.contact,
                synced_member.user_id,
                synced_member.entered_run_id,
                synced_member.entered_at,
                synced_member.told_run_id
            FROM {accepted} AS synced_member
            WHERE synced_member.destination_id = %(destination_id)s
                AND (%(all_audiences)s::boolean OR synced_member.audience_id = ANY (%(audience_ids)s::integer[]))
                AND (%(only_contacts)s::text[] IS NULL OR synced_member.contact = ANY (%(only_contacts)s::text[]))
                AND is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        ) AS synced
            ON synced.audience_id = snapshot.audience_id
            AND synced.contact = snapshot.join_key
            AND synced.user_id = snapshot.user_id
        WHERE %(anything)s::boolean
            AND CASE
                WHEN snapshot.unsendable IS NULL
                    THEN synced.audience_id = ANY (%(audience_ids)s::integer[]) AND NOT is_token(synced.contact)
                ELSE synced.audience_id IS NULL OR synced.told_run_id < snapshot.due_before OR {judges}
            END
        OFFSET '0' -- keeps the folding from being copied into every place that reads it
    ) AS folded
    OFFSET '0' -- keeps the judgement from being copied, too
) AS judged
WHERE judged.unsendable IS NULL OR NOT judged.known OR judged.due OR judged.reason IS NOT NULL
