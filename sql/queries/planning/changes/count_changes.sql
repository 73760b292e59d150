-- Purpose: counts the plan's contacts by audience. What is told again, and what is covered, is not counted; what would
-- expire is for itself, and is no change that waits.
-- Rows: audience_id, added, removed, held, held_add, deferred, deferred_add, yielding, refreshed, reads, initial; one
-- for every audience of the plan.
SELECT
    plan_audience.audience_id,
    count(*) FILTER (WHERE contact_change.op = 'added' AND contact_change.waits IS NULL) AS added,
    count(*) FILTER (WHERE contact_change.op = 'removed' AND contact_change.waits IS NULL) AS removed,
    count(*) FILTER (WHERE contact_change.waits = 'held') AS held,
    count(*) FILTER (WHERE contact_change.waits = 'held' AND contact_change.op = 'added') AS held_add,
    count(*) FILTER (WHERE contact_change.waits = 'deferred' AND contact_change.op <> 'refreshed') AS deferred,
    count(*) FILTER (WHERE contact_change.waits = 'deferred' AND contact_change.op = 'added') AS deferred_add,
    count(*) FILTER (WHERE contact_change.yields AND contact_change.op <> 'refreshed') AS yielding,
    count(*) FILTER (WHERE contact_change.op = 'refreshed' AND contact_change.waits IS NULL) AS refreshed,
    plan_audience.reads AND NOT plan_audience.vanished AS reads,
    plan_audience.initial
FROM plan_audience
LEFT JOIN contact_change USING (audience_id)
GROUP BY plan_audience.audience_id
ORDER BY plan_audience.audience_id
