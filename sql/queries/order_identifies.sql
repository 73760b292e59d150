-- Purpose: one identify per contact, in the order of delivery: removals, additions, then backfills and
-- reassertions; an identify goes with its most urgent change, but never before a false that it has to follow.
-- Inside a class by contact, so that acceptance writes its index in order.
-- Parameters: page_size.
-- Rows: none; fills planned_identify.
INSERT INTO planned_identify (contact, caller, urgency, parts, properties, page)
WITH identify AS (
    SELECT
        c.contact,
        greatest(min(ranked.urgency), CASE WHEN bool_or(c.follows) THEN 2 END) AS urgency,
        max(c.part) + 1 AS parts,
        count(*) AS properties
    FROM contact_change AS c
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN c.op = 'removed' THEN 1
            WHEN c.op = 'added' AND NOT c.initial THEN 2
            ELSE 3
        END AS urgency
    ) AS ranked
    WHERE c.op <> 'covered'
    GROUP BY c.contact
),
placed AS (
    SELECT
        i.contact,
        i.urgency,
        i.parts,
        i.properties,
        (row_number() OVER (PARTITION BY i.urgency ORDER BY i.contact) - 1) / %(page_size)s::integer AS nth
    FROM identify AS i
),
urgency_pages AS (
    SELECT
        p.urgency,
        sum(max(p.nth) + 1) OVER (ORDER BY p.urgency) - (max(p.nth) + 1) AS pages_before
    FROM placed AS p
    GROUP BY p.urgency
)
SELECT p.contact, caller.user_id, p.urgency, p.parts, p.properties, 1 + urgency_pages.pages_before + p.nth
FROM placed AS p
JOIN urgency_pages USING (urgency)
JOIN caller ON caller.contact = p.contact
