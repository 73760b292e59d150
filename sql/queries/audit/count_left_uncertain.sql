-- Purpose: counts what stays uncertain at one destination after the plan that was just made, by reason.
-- Rows: why (skipped, no_value, not_configured, out_of_reach), contacts (properties of contacts).
SELECT reason AS why, count(*) AS contacts
FROM left_uncertain
GROUP BY reason
ORDER BY reason
