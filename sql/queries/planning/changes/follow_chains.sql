-- Purpose: a call that has to follow another one has its class after that one's, which may itself have to follow a third.
-- One step; run again until nothing has to move.
-- Parameters: destination_id.
-- Rows: contact, of those that moved.
WITH class AS MATERIALIZED (
    SELECT
        c.contact,
        greatest(
            min(urgency_of(c.op, c.initial, listed.retired)), max(c.follows), max(CASE WHEN silent.runs >= 2 THEN 5 END)
        ) AS urgency
    FROM contact_change AS c
    JOIN plan_audience AS listed USING (audience_id)
    LEFT JOIN unanswered_contact AS silent
        ON silent.destination_id = %(destination_id)s AND silent.contact = c.contact
    WHERE c.op <> 'covered'
        AND c.waits IS NULL
        AND c.contact IN (SELECT e.contact FROM follow_edge AS e UNION SELECT e.after FROM follow_edge AS e)
    GROUP BY c.contact
)
UPDATE contact_change AS c
SET follows = early.urgency + 1
FROM (
    SELECT e.contact, e.audience_id, max(before.urgency) AS urgency
    FROM follow_edge AS e
    JOIN class AS before ON before.contact = e.after
    JOIN class AS late ON late.contact = e.contact
    WHERE late.urgency <= before.urgency
    GROUP BY e.contact, e.audience_id
) AS early
WHERE c.contact = early.contact AND c.audience_id = early.audience_id AND c.waits IS NULL
RETURNING c.contact
