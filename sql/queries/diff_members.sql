-- Purpose: the one pass over both sides: every row that only the snapshot or only the state has, and those of both
-- that are due again. A row that cannot be sent never matches (such rows are never synced), so it is judged here too,
-- and only then. Rows that name no audience are there whatever audiences the plan is about: they may name anybody.
-- Out of reach the state stays as it was last told; so does what stands for people who were forgotten.
-- Placeholders: source; contact (the column of it that is the contact, or what stands for it).
-- Parameters: destination_id; listed, share (the destination's reach).
-- Rows: none; fills member_delta with gain, lose, again and skip.
INSERT INTO member_delta (kind, audience_id, entered_run_id, entered_at, contact, user_id, reason, audience, email)
SELECT
    CASE
        WHEN said.present IS NULL THEN 'lose'
        WHEN told.present THEN 'again'
        WHEN judged.reason IS NULL THEN 'gain'
        ELSE 'skip'
    END,
    coalesce(told.audience_id, said.audience_id),
    told.entered_run_id,
    told.entered_at,
    coalesce(told.contact, said.contact),
    coalesce(told.user_id, said.user_id),
    judged.reason,
    CASE WHEN judged.reason IS NOT NULL THEN said.audience END,
    CASE WHEN judged.reason IS NOT NULL THEN said.email END
FROM (
    SELECT
        listed.audience_id,
        source.audience,
        source.user_id,
        {contact} AS contact,
        contact_of(source.email) AS address,
        CASE WHEN NOT source.unsendable THEN source.user_id END AS sendable_user_id,
        source.email,
        source.unsendable,
        true AS present
    FROM {source} AS source
    LEFT JOIN plan_audience AS listed ON listed.name = source.audience
    WHERE (listed.reads AND NOT listed.is_trait)
        OR source.audience IS NULL
        OR contact_of(source.audience) = ''
) AS said
FULL JOIN (
    SELECT
        m.audience_id,
        m.contact,
        m.user_id,
        m.entered_run_id,
        m.entered_at,
        m.told_run_id < listed.due_before AS due,
        true AS present
    FROM synced_member AS m
    JOIN plan_audience AS listed ON listed.audience_id = m.audience_id AND NOT listed.is_trait
    WHERE m.destination_id = %(destination_id)s
        AND is_in_reach(m.contact, %(listed)s::text[], %(share)s::float8)
) AS told
    ON told.audience_id = said.audience_id AND told.contact = said.contact AND told.user_id = said.sendable_user_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN said.present AND told.present IS NULL THEN
        coalesce(
            skip_reason(said.audience, said.user_id, said.address, said.unsendable),
            CASE WHEN NOT is_in_reach(said.contact, %(listed)s::text[], %(share)s::float8) THEN 'out_of_rollout' END
        )
    END AS reason
    OFFSET 0 -- keeps the judgement from being copied into every place that reads it
) AS judged
WHERE CASE
    WHEN said.present IS NULL THEN NOT is_token(told.contact)
    ELSE told.present IS NULL OR told.due
END
