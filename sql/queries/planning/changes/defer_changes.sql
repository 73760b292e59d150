-- Purpose: of the last class (backfills, reassertions, retirements) only so many contacts are planned as can be told
-- before the next run is due, at least a page of them; the others wait for that, and are planned afresh. Never a call
-- that follows another, or that another follows: they belong together.
-- Parameters: destination_id, at_most (identifies, of every class), page_size, per_audience.
-- Rows: none.
WITH identify AS (
    SELECT
        c.contact,
        min(urgency_of(c.op, c.initial, listed.retired)) >= 3 AS may_wait,
        greatest(
            min(urgency_of(c.op, c.initial, listed.retired)), max(c.follows), max(CASE WHEN silent.runs >= 2 THEN 5 END)
        ) AS urgency,
        CASE WHEN %(per_audience)s THEN count(*) ELSE 1 END AS calls
    FROM contact_change AS c
    JOIN plan_audience AS listed USING (audience_id)
    LEFT JOIN unanswered_contact AS silent
        ON silent.destination_id = %(destination_id)s AND silent.contact = c.contact
    WHERE c.op <> 'covered' AND c.waits IS NULL
    GROUP BY c.contact
),
placed AS (
    SELECT
        i.contact,
        i.may_wait,
        sum(i.calls) OVER (ORDER BY i.may_wait, i.urgency, i.contact) AS place,
        sum(i.calls) FILTER (WHERE NOT i.may_wait) OVER () AS urgent
    FROM identify AS i
)
UPDATE contact_change AS c
SET waits = 'deferred'
FROM placed AS p
WHERE p.may_wait
    AND p.place > greatest(%(at_most)s, coalesce(p.urgent, 0) + %(page_size)s)
    -- What is uncertain is told in the next run, whatever it is.
    AND NOT EXISTS (
        SELECT FROM uncertain AS u WHERE u.destination_id = %(destination_id)s AND u.contact = p.contact
    )
    AND NOT EXISTS (SELECT FROM follow_edge AS e WHERE e.contact = p.contact OR e.after = p.contact)
    AND c.contact = p.contact
    AND c.op <> 'covered'
    AND c.waits IS NULL
