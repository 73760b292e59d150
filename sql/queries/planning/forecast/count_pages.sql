-- Purpose: counts the pages of the plan that was just made, by urgency and by how many calls they hold.
-- Rows: urgency, calls, pages, page (one of them); of each urgency those of the fullest first.
SELECT sized.urgency, sized.calls, count(*) AS pages, min(sized.page) AS page
FROM (
    SELECT planned_identify.urgency, planned_identify.page, sum(planned_identify.parts)::bigint AS calls
    FROM planned_identify
    GROUP BY planned_identify.urgency, planned_identify.page
) AS sized
GROUP BY sized.urgency, sized.calls
ORDER BY sized.urgency, sized.calls DESC
