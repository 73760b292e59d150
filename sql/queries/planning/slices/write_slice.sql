-- Purpose: plans a slice of a first sync, and writes it: its rows of the history and its pages. It says in one
-- statement what a plan comes to of which nobody was told anything before, nothing waits, and no call follows another:
-- each row enters, of several of a property the smallest user leads, and a call names the smallest user of its contact.
-- One sort serves all of that, and the history comes in the order of delivery. The pages come after those that the run
-- has. `part` is of a contact in more audiences than a call may tell (split_parts): no other has a row in
-- contact_change.
-- Placeholders: partition (of sync_change, that of the run); may_split (literal: whether contact_change may have rows.
-- It is known when this is planned: all rows would be put into a hash, to find the parts of nobody).
-- Parameters: run_id, destination_id; until (the contact with which the next slice begins; null: all are of this one);
-- page_size; events (the destination is told who entered, also in an initial sync).
-- Rows: audience_id; rows (of the slice); contacts (that are told of it); calls (of which it is the first property).
WITH planned AS MATERIALIZED (
    SELECT
        in_order.audience_id,
        in_order.contact,
        in_order.user_id,
        in_order.value,
        in_order.part,
        coalesce(
            (
                SELECT max(sync_page.page)
                FROM sync_page
                WHERE sync_page.run_id = %(run_id)s AND sync_page.destination_id = %(destination_id)s
            ),
            0
        ) + 1 + in_order.nth / %(page_size)s::integer AS page,
        in_order.caller,
        in_order.part IS DISTINCT FROM in_order.part_before AS begins,
        in_order.audience_id IS DISTINCT FROM in_order.audience_before AS leads,
        in_order.audience_id = in_order.audience_before
            AND in_order.user_id = in_order.user_before AS repeats
    FROM (
        SELECT
            row_of.*,
            dense_rank() OVER (ORDER BY row_of.contact) - 1 AS nth,
            min(row_of.user_id) OVER of_contact AS caller,
            lag(row_of.audience_id) OVER of_contact AS audience_before,
            lag(row_of.part) OVER of_contact AS part_before,
            lag(row_of.user_id) OVER of_contact AS user_before
        FROM (
            SELECT
                member_delta.audience_id,
                member_delta.contact,
                member_delta.user_id,
                member_delta.value,
                coalesce(contact_change.part, 0) AS part
            FROM member_delta
            LEFT JOIN contact_change
                ON contact_change.contact = member_delta.contact
                AND contact_change.audience_id = member_delta.audience_id
                AND {may_split}
            WHERE member_delta.kind = 'gain' AND (%(until)s::text IS NULL OR member_delta.contact < %(until)s)
        ) AS row_of
        WINDOW of_contact AS (
            PARTITION BY row_of.contact
            ORDER BY row_of.part, row_of.audience_id, row_of.user_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    ) AS in_order
),
written AS (
    INSERT INTO {partition} (
        run_id, destination_id, page, audience_id, op, effect, part, lead, contact, user_id, told_as, value, event
    )
    SELECT
        %(run_id)s,
        %(destination_id)s,
        page,
        audience_id,
        'added',
        'gain',
        part,
        leads,
        contact,
        user_id,
        nullif(caller, user_id),
        coalesce(value, 'true'),
        %(events)s AND value IS NULL
    FROM planned
    WHERE repeats IS NOT TRUE
),
paged AS (
    INSERT INTO sync_page (run_id, destination_id, page, urgency, status, identifies)
    SELECT
        %(run_id)s,
        %(destination_id)s,
        page,
        urgency_of('added', true, false),
        'planned',
        count(*) FILTER (WHERE begins)
    FROM planned
    GROUP BY page
)
SELECT
    audience_id,
    count(*) AS rows,
    count(*) FILTER (WHERE leads) AS contacts,
    count(*) FILTER (WHERE begins) AS calls
FROM planned
GROUP BY audience_id
