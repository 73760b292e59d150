-- Purpose: a part of the list of properties whose last call has no answer, by contact. It reads so many rows and no
-- more.
-- Parameters: destination; contact, audience_id (the place after which it begins; null: the beginning); left_over
-- (those that no run tells, else those that the next one does); most (rows that are read), limit.
-- Rows: contact, user_id, audience, property, since_run_id, left_because; place (contact, audience_id as JSON),
-- listed, nth (see `Line`).
SELECT
    read.contact,
    read.user_id,
    audience.name AS audience,
    audience.property,
    read.since_run_id,
    read.left_because,
    jsonb_build_array(read.contact, read.audience_id) AS place,
    read.listed,
    read.nth
FROM (
    SELECT
        uncertain.*,
        (uncertain.left_because IS NOT NULL) = %(left_over)s AS listed,
        row_number() OVER (ORDER BY uncertain.contact, uncertain.audience_id) AS nth
    FROM (
        SELECT contact, audience_id, user_id, since_run_id, left_because
        FROM uncertain
        WHERE destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND (
                %(contact)s::text IS NULL
                OR (contact, audience_id) > (%(contact)s::text, %(audience_id)s::integer)
            )
        ORDER BY contact, audience_id
        LIMIT %(most)s
    ) AS uncertain
) AS read
JOIN audience USING (audience_id)
WHERE read.listed OR read.nth = %(most)s
ORDER BY read.contact, read.audience_id
LIMIT %(limit)s
