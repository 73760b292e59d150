-- Purpose: counts the pages of the plan that was just made, by how many calls they hold.
-- Rows: calls, pages, page (one of them); those of the fullest first.
SELECT sized.calls, count(*) AS pages, min(sized.page) AS page
FROM (
    SELECT planned_identify.page, count(*) AS calls
    FROM planned_identify
    GROUP BY planned_identify.page
) AS sized
GROUP BY sized.calls
ORDER BY sized.calls DESC
