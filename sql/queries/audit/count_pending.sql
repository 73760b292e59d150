-- Purpose: counts why state and warehouse differ at one destination, in properties of contacts, after the plan that was
-- just made. Only missing, lingering and outdated are differences; everything else waits, or is told, for a known
-- reason.
-- Parameters: destination_id.
-- Rows: why (missing, lingering, outdated; held, refused, deferred, uncertain, again, refresh,
-- covered), contacts.
SELECT pending.why, count(*) AS contacts
FROM (
    SELECT
        why_pending(
            %(destination_id)s,
            contact_change.contact,
            contact_change.audience_id,
            contact_change.op,
            contact_change.waits
        ) AS why
    FROM contact_change
) AS pending
GROUP BY pending.why
ORDER BY pending.why
