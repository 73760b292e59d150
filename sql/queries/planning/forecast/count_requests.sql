-- Purpose: counts, of the plan that was just made, the requests, if they are as full as some are, and the contacts
-- about whom this destination was never told anything. No request holds calls of two pages.
-- Parameters: destination_id; per_request (how many calls a request holds).
-- Rows: one: requests, strangers.
SELECT
    (
        SELECT coalesce(sum(ceil(page.calls / %(per_request)s::float8)), 0)::bigint
        FROM (SELECT count(*) AS calls FROM planned_identify GROUP BY planned_identify.page) AS page
    ) AS requests,
    (
        SELECT count(*)
        FROM (SELECT DISTINCT planned_identify.contact FROM planned_identify) AS told
        WHERE NOT EXISTS (
                SELECT FROM synced_member
                WHERE synced_member.destination_id = %(destination_id)s AND synced_member.contact = told.contact
            )
            AND NOT EXISTS (
                SELECT FROM told_false
                WHERE told_false.destination_id = %(destination_id)s AND told_false.contact = told.contact
            )
            AND NOT EXISTS (
                SELECT FROM uncertain
                WHERE uncertain.destination_id = %(destination_id)s AND uncertain.contact = told.contact
            )
    ) AS strangers
