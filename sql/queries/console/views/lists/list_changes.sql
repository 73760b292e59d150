-- Purpose: a part of the list of what a run planned for a destination, page by page, without what was refused or has no
-- answer (list_exceptions). It reads so many rows and no more.
-- Parameters: run_id, destination; page, contact, audience_id (the place after which it begins; null: the beginning);
-- statuses (of pages); property (null: any); most (rows that are read), limit.
-- Rows: contact, user_id, audience, property, op, value, outcome, at (when its page was settled); place (page,
-- contact, audience_id as JSON), listed, nth (see `Line`).
WITH read AS (
    SELECT
        sync_change.*,
        row_number() OVER (ORDER BY sync_change.page, sync_change.contact, sync_change.audience_id) AS nth
    FROM (
        SELECT
            sync_page.run_id,
            sync_page.destination_id,
            sync_page.page,
            sync_page.status,
            sync_page.settled_at,
            planned.contact,
            planned.audience_id,
            planned.part,
            planned.op,
            planned.value,
            coalesce(planned.told_as, planned.user_id) AS user_id
        FROM sync_page
        CROSS JOIN LATERAL (
            SELECT told.contact, told.audience_id, told.part, told.op, told.value, told.told_as, told.user_id
            FROM sync_change AS told
            WHERE told.run_id = %(run_id)s
                AND told.destination_id = sync_page.destination_id
                AND told.page = sync_page.page
                AND told.lead
                AND (
                    %(page)s::integer IS NULL
                    OR sync_page.page > %(page)s
                    OR (told.contact, told.audience_id) > (%(contact)s::text, %(audience_id)s::integer)
                )
            ORDER BY told.contact, told.audience_id
        ) AS planned
        WHERE sync_page.run_id = %(run_id)s
            AND sync_page.destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND sync_page.page >= coalesce(%(page)s::integer, 1)
            AND sync_page.status = ANY (%(statuses)s::page_status[])
        ORDER BY sync_page.page, planned.contact, planned.audience_id
        LIMIT %(most)s
    ) AS sync_change
)
SELECT
    read.contact,
    read.user_id,
    audience.name AS audience,
    audience.property,
    read.op::text AS op,
    read.value,
    CASE read.status WHEN 'done' THEN 'succeeded' WHEN 'aborted' THEN 'aborted' ELSE 'planned' END AS outcome,
    read.settled_at AS at,
    jsonb_build_array(read.page, read.contact, read.audience_id) AS place,
    sync_exception.outcome IS NULL AND (%(property)s::text IS NULL OR audience.property = %(property)s) AS listed,
    read.nth
FROM read
JOIN audience USING (audience_id)
LEFT JOIN LATERAL (
    SELECT excepted.outcome
    FROM sync_exception AS excepted
    WHERE excepted.run_id = read.run_id
        AND excepted.destination_id = read.destination_id
        AND excepted.page = read.page
        AND excepted.contact = read.contact
        AND excepted.part = read.part
    LIMIT 1
) AS sync_exception ON true
WHERE read.nth = %(most)s
    OR (sync_exception.outcome IS NULL AND (%(property)s::text IS NULL OR audience.property = %(property)s))
ORDER BY read.page, read.contact, read.audience_id
LIMIT %(limit)s
