-- Purpose: how all changes of all runs ended, by destination and audience, in contacts.
-- Rows: destination, property, succeeded_add, succeeded_remove, failed_add, failed_remove, unknown, aborted.
SELECT destination.name AS destination, audience.property, sum(c.succeeded_add)::bigint AS succeeded_add,
    sum(c.succeeded_remove)::bigint AS succeeded_remove, sum(c.failed_add)::bigint AS failed_add,
    sum(c.failed_remove)::bigint AS failed_remove, sum(c.unknown)::bigint AS unknown, sum(c.aborted)::bigint AS aborted
FROM run_count AS c
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
GROUP BY destination.name, audience.property
