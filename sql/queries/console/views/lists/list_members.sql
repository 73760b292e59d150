-- Purpose: a part of the list of memberships that a destination accepted, by contact. It reads so many rows and no
-- more: where few of them are asked for, a part may have none.
-- Parameters: destination; contact, audience_id, user_id (the place after which it begins; null: the beginning);
-- property (null: of every audience); before_run (told before this run; null: whenever); most (rows that are read),
-- limit.
-- Rows: contact, user_id, audience, property, value, since, told_in_run; place (contact, audience_id, user_id as
-- JSON), listed, nth (see `Line`).
WITH read AS (
    SELECT
        synced_member.*,
        row_number() OVER (ORDER BY synced_member.contact, synced_member.audience_id, synced_member.user_id) AS nth
    FROM (
        SELECT contact, audience_id, user_id, value, entered_at, told_run_id
        FROM synced_member
        WHERE destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND (
                %(contact)s::text IS NULL
                OR (contact, audience_id, user_id) > (%(contact)s::text, %(audience_id)s::integer, %(user_id)s::text)
            )
        ORDER BY contact, audience_id, user_id
        LIMIT %(most)s
    ) AS synced_member
),
judged AS (
    SELECT
        read.contact,
        read.audience_id,
        read.user_id,
        audience.name AS audience,
        audience.property,
        coalesce(read.value, 'true') AS value,
        read.entered_at AS since,
        abs(read.told_run_id) AS told_in_run,
        jsonb_build_array(read.contact, read.audience_id, read.user_id) AS place,
        (%(property)s::text IS NULL OR audience.property = %(property)s)
            AND (%(before_run)s::integer IS NULL OR abs(read.told_run_id) < %(before_run)s) AS listed,
        read.nth
    FROM read
    JOIN audience USING (audience_id)
)
SELECT
    judged.contact,
    judged.user_id,
    judged.audience,
    judged.property,
    judged.value,
    judged.since,
    judged.told_in_run,
    judged.place,
    judged.listed,
    judged.nth
FROM judged
WHERE judged.listed OR judged.nth = %(most)s
ORDER BY judged.contact, judged.audience_id, judged.user_id
LIMIT %(limit)s
