-- Purpose: counts, of the plan that was just made, the contacts about whom this destination was never told anything.
-- Parameters: destination_id.
-- Rows: one: contacts.
SELECT count(*) AS contacts
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
