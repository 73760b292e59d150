-- Purpose: why state and warehouse differ at one destination, in properties of contacts, after the plan that was just
-- made: what is told for another reason than a difference is none, and neither is what waits for a reason.
-- Parameters: destination_id.
-- Rows: why (missing, lingering: outdated: the differences; held, refused, deferred, uncertain, again, covered), contacts.
SELECT pending.why, count(*) AS contacts
FROM (
    SELECT why_pending(%(destination_id)s, c.contact, c.audience_id, c.op, c.waits) AS why
    FROM contact_change AS c
) AS pending
GROUP BY pending.why
ORDER BY pending.why
