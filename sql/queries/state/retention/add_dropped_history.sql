-- Purpose: what is about to be dropped is added up, so that the history still accounts for every member: those that
-- the destination accepted, less those that it was told had left.
-- Placeholders: partition (identifier).
-- Rows: none.
INSERT INTO dropped_history AS dropped (destination_id, audience_id, members)
SELECT c.destination_id, c.audience_id, sum(CASE c.effect WHEN 'gain' THEN 1 ELSE -1 END)
FROM {partition} AS c
JOIN sync_page AS p USING (run_id, destination_id, page)
LEFT JOIN sync_exception AS e
    ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
    AND e.contact = c.contact AND e.part = c.part
WHERE c.effect <> 'none' AND p.status = 'done' AND e.contact IS NULL
GROUP BY c.destination_id, c.audience_id
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET members = dropped.members + excluded.members
