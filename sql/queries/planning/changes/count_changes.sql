-- Purpose: the plan in contacts, by audience; told again and covered are not counted.
-- Rows: audience_id, added, removed, held, held_add, deferred, deferred_add, reads, initial; a row for every audience
-- of the plan.
SELECT
    listed.audience_id,
    count(c.contact) FILTER (WHERE c.op = 'added' AND c.waits IS NULL) AS added,
    count(c.contact) FILTER (WHERE c.op = 'removed' AND c.waits IS NULL) AS removed,
    count(c.contact) FILTER (WHERE c.waits = 'held') AS held,
    count(c.contact) FILTER (WHERE c.waits = 'held' AND c.op = 'added') AS held_add,
    count(c.contact) FILTER (WHERE c.waits = 'deferred') AS deferred,
    count(c.contact) FILTER (WHERE c.waits = 'deferred' AND c.op = 'added') AS deferred_add,
    listed.reads AND NOT listed.vanished AS reads,
    listed.initial
FROM plan_audience AS listed
LEFT JOIN contact_change AS c USING (audience_id)
GROUP BY listed.audience_id
ORDER BY listed.audience_id
