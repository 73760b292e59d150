-- Purpose: makes one identify of all changes of a contact, and puts the identifies into pages, in the order of
-- delivery. An identify has the class of its most urgent change, but never goes before a false that it has to follow.
-- The classes of urgency:
--     1  removals
--     2  additions, and changed values
--     3  backfills, reassertions and retirements
--     4  what follows a false of class 3
--     5  contacts that did not answer in two runs or more, those last that did not in most; in ever smaller pages, the
--        oftener others were answered in these runs
--     6  what follows a false of class 5; and from there on what follows a follower
--     7  what is only told before it expires
-- Within a class the order is by contact, so that an accepted page writes its index in order. The pages of a slice come
-- after those that the run has already.
-- Parameters: run_id, destination_id, page_size, per_audience (every part is an identify with a place of its own).
-- Rows: none; fills planned_identify.
INSERT INTO planned_identify (contact, only_part, urgency, parts, properties, page, place)
WITH told AS (
    SELECT
        contact_change.contact,
        CASE WHEN %(per_audience)s THEN contact_change.part END AS only_part,
        greatest(
            min(urgency_of(contact_change.op, contact_change.initial, plan_audience.retired)),
            max(contact_change.earliest_urgency)
        ) AS urgency,
        CASE WHEN %(per_audience)s THEN 1 ELSE max(contact_change.part) + 1 END AS parts,
        count(*) AS properties
    FROM contact_change
    JOIN plan_audience USING (audience_id)
    WHERE contact_change.op <> 'covered' AND contact_change.waits IS NULL
    GROUP BY contact_change.contact, 2
),
identify AS (
    SELECT
        told.contact,
        told.only_part,
        greatest(told.urgency, CASE WHEN unanswered_contact.runs >= 2 THEN 5 END) AS urgency,
        CASE
            WHEN unanswered_contact.runs >= 2
                THEN greatest(
                    1, %(page_size)s::integer / power(10, least(greatest(unanswered_contact.others - 1, 0), 9))
                )::integer
            ELSE %(page_size)s::integer
        END AS page_size,
        CASE WHEN unanswered_contact.runs >= 2 THEN unanswered_contact.runs END AS unanswered_runs,
        told.parts,
        told.properties
    FROM told
    LEFT JOIN unanswered_contact
        ON unanswered_contact.destination_id = %(destination_id)s AND unanswered_contact.contact = told.contact
),
placed AS (
    SELECT
        identify.contact,
        identify.only_part,
        identify.urgency,
        identify.page_size,
        identify.parts,
        identify.properties,
        row_number() OVER (
            PARTITION BY identify.urgency, identify.page_size
            ORDER BY identify.unanswered_runs, identify.contact, identify.only_part
        ) - 1 AS nth
    FROM identify
),
class_pages AS (
    SELECT
        placed.urgency,
        placed.page_size,
        (sum(max(placed.nth) / placed.page_size + 1) OVER in_order)::bigint
            - (max(placed.nth) / placed.page_size + 1) AS pages_before,
        (sum(count(*)) OVER in_order)::bigint - count(*) AS identifies_before
    FROM placed
    GROUP BY placed.urgency, placed.page_size
    WINDOW in_order AS (ORDER BY placed.urgency, placed.page_size DESC)
)
SELECT
    placed.contact,
    placed.only_part,
    placed.urgency,
    placed.parts,
    placed.properties,
    coalesce(
        (
            SELECT max(sync_page.page)
            FROM sync_page
            WHERE sync_page.run_id = %(run_id)s AND sync_page.destination_id = %(destination_id)s
        ),
        0
    ) + 1 + class_pages.pages_before + placed.nth / placed.page_size,
    1 + class_pages.identifies_before + placed.nth
FROM placed
JOIN class_pages USING (urgency, page_size)
