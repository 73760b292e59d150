-- Purpose: the one pass over both sides: every row that only the snapshot or only the state has.
-- A row that cannot be sent never matches (such rows are never synced), so it is judged here too, and only then.
-- Rows that name no audience are there whatever audiences the plan is about: they may name anybody.
-- Placeholders: source.
-- Parameters: destination_id.
-- Rows: none; fills member_delta with gain, lose and skip.
INSERT INTO member_delta (kind, audience_id, entered_run_id, entered_at, contact, user_id, reason, audience, email)
SELECT
    CASE WHEN told.present THEN 'lose' WHEN judged.reason IS NULL THEN 'gain' ELSE 'skip' END,
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
        contact_of(source.email) AS contact,
        CASE WHEN NOT source.unsendable THEN source.user_id END AS sendable_user_id,
        source.email,
        source.unsendable,
        true AS present
    FROM {source} AS source
    LEFT JOIN plan_audience AS listed ON listed.name = source.audience
    WHERE listed.audience_id IS NOT NULL
        OR source.audience IS NULL
        OR contact_of(source.audience) = ''
) AS said
FULL JOIN (
    SELECT m.audience_id, m.contact, m.user_id, m.entered_run_id, m.entered_at, true AS present
    FROM synced_member AS m
    WHERE m.destination_id = %(destination_id)s
        AND m.audience_id IN (SELECT listed.audience_id FROM plan_audience AS listed)
) AS told
    ON told.audience_id = said.audience_id AND told.contact = said.contact AND told.user_id = said.sendable_user_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN said.present THEN skip_reason(said.audience, said.user_id, said.contact, said.unsendable) END
        AS reason
    OFFSET 0 -- keeps the judgement from being copied into every place that reads it
) AS judged
WHERE said.present IS NULL OR told.present IS NULL
