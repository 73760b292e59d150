-- Purpose: what a destination has accepted of these contacts: the last value of each property, which run told it, and
-- when that run had ended. That a computed trait was taken back is left out: what a destination makes of null differs.
-- Parameters: destination_id, contacts.
-- Rows: contact, audience_id, user_id, email, value, told_run_id, told_at (null: the run goes on).
SELECT
    told.contact,
    told.audience_id,
    told.user_id,
    told.email,
    told.value,
    told.told_run_id,
    run.finished_at AS told_at
FROM (
    SELECT
        contact,
        audience_id,
        min(user_id) AS user_id,
        min(email) AS email,
        coalesce((array_agg(value ORDER BY user_id))[1], 'true') AS value,
        max(abs(told_run_id)) AS told_run_id
    FROM synced_member
    WHERE destination_id = %(destination_id)s AND contact = ANY (%(contacts)s::text[])
    GROUP BY contact, audience_id
    UNION ALL
    SELECT
        told_false.contact,
        told_false.audience_id,
        told_false.user_id,
        told_false.email,
        'false'::jsonb,
        abs(told_false.told_run_id)
    FROM told_false
    JOIN audience USING (audience_id)
    WHERE told_false.destination_id = %(destination_id)s
        AND told_false.contact = ANY (%(contacts)s::text[])
        AND NOT audience.is_trait
        AND NOT EXISTS (
            SELECT FROM synced_member
            WHERE synced_member.destination_id = told_false.destination_id
                AND synced_member.contact = told_false.contact
                AND synced_member.audience_id = told_false.audience_id
        )
) AS told
LEFT JOIN run ON run.run_id = told.told_run_id
