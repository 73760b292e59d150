-- Purpose: one identify per contact, in the order of delivery, by class: 1 removals, 2 additions, 3 backfills,
-- reassertions and retirements, 4 what follows a false of class 3, 5 contacts that did not answer in two runs or more,
-- in ever smaller pages, 6 and more what follows a false of class 5, or what follows what follows. An identify goes with its most urgent change, but never
-- before a false that it has to follow. Inside a class by contact, so that acceptance writes its index in order.
-- Parameters: destination_id, page_size, per_audience (every part is an identify with a place of its own).
-- Rows: none; fills planned_identify.
INSERT INTO planned_identify (contact, only_part, urgency, parts, properties, page)
WITH identify AS (
    SELECT
        c.contact,
        CASE WHEN %(per_audience)s THEN c.part END AS only_part,
        greatest(min(urgency_of(c.op, c.initial, listed.retired)), max(c.follows), CASE WHEN silent.runs >= 2 THEN 5 END) AS urgency,
        CASE
            WHEN silent.runs >= 2 THEN greatest(1, %(page_size)s::integer / power(10, least(silent.runs - 1, 9)))::integer
            ELSE %(page_size)s::integer
        END AS page_size,
        CASE WHEN %(per_audience)s THEN 1 ELSE max(c.part) + 1 END AS parts,
        count(*) AS properties
    FROM contact_change AS c
    JOIN plan_audience AS listed USING (audience_id)
    LEFT JOIN unanswered_contact AS silent
        ON silent.destination_id = %(destination_id)s AND silent.contact = c.contact
    WHERE c.op <> 'covered' AND c.waits IS NULL
    GROUP BY c.contact, 2, silent.runs
),
placed AS (
    SELECT
        i.contact,
        i.only_part,
        i.urgency,
        i.page_size,
        i.parts,
        i.properties,
        (row_number() OVER (PARTITION BY i.urgency, i.page_size ORDER BY i.contact, i.only_part) - 1)
            / i.page_size AS nth
    FROM identify AS i
),
class_pages AS (
    SELECT
        p.urgency,
        p.page_size,
        sum(max(p.nth) + 1) OVER (ORDER BY p.urgency, p.page_size DESC) - (max(p.nth) + 1) AS pages_before
    FROM placed AS p
    GROUP BY p.urgency, p.page_size
)
SELECT p.contact, p.only_part, p.urgency, p.parts, p.properties, 1 + class_pages.pages_before + p.nth
FROM placed AS p
JOIN class_pages USING (urgency, page_size)
