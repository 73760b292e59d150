-- Purpose: how all changes of all runs ended, by destination and audience, in contacts.
-- Rows: destination, property, succeeded_add, succeeded_remove, failed_add, failed_remove.
SELECT
    destination.name AS destination,
    audience.property,
    sum(run_count.succeeded_add)::bigint AS succeeded_add,
    sum(run_count.succeeded_remove)::bigint AS succeeded_remove,
    sum(run_count.failed_add)::bigint AS failed_add,
    sum(run_count.failed_remove)::bigint AS failed_remove
FROM run_count
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
GROUP BY destination.name, audience.property
