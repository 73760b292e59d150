-- Purpose: a part of the list of calls of a run that a destination refused, or that have no answer, page by page, with
-- its words. It reads so many calls and no more.
-- Parameters: run_id, destination; page, contact, part (the place after which it begins; null: the beginning); outcome;
-- most (calls that are read), limit.
-- Rows: contact, user_id, properties (what the call carried, as JSON), reason, http_status, at; place (page, contact,
-- part as JSON), listed, nth (see `Line`).
SELECT
    read.contact,
    carried.user_id,
    carried.properties,
    read.reason,
    read.http_status,
    read.attempted_at AS at,
    jsonb_build_array(read.page, read.contact, read.part) AS place,
    read.listed,
    read.nth
FROM (
    SELECT
        sync_exception.*,
        sync_exception.outcome::text = %(outcome)s AS listed,
        row_number() OVER (ORDER BY sync_exception.page, sync_exception.contact, sync_exception.part) AS nth
    FROM (
        SELECT destination_id, page, contact, part, outcome, reason, http_status, attempted_at
        FROM sync_exception
        WHERE run_id = %(run_id)s
            AND destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND (
                %(page)s::integer IS NULL
                OR (page, contact, part) > (%(page)s::integer, %(contact)s::text, %(part)s::integer)
            )
        ORDER BY page, contact, part
        LIMIT %(most)s
    ) AS sync_exception
) AS read
LEFT JOIN LATERAL (
    SELECT
        min(coalesce(sync_change.told_as, sync_change.user_id)) AS user_id,
        jsonb_object_agg(audience.property, sync_change.value) AS properties
    FROM sync_change
    JOIN audience USING (audience_id)
    WHERE sync_change.run_id = %(run_id)s
        AND sync_change.destination_id = read.destination_id
        AND sync_change.page = read.page
        AND sync_change.contact = read.contact
        AND sync_change.part = read.part
        AND sync_change.lead
        AND read.listed
) AS carried ON true
WHERE read.listed OR read.nth = %(most)s
ORDER BY read.page, read.contact, read.part
LIMIT %(limit)s
