-- Purpose: how all changes of all runs ended, by destination and audience, in contacts.
-- Rows: destination, property, succeeded_add, succeeded_remove, failed_add, failed_remove.
SELECT
    destination.name AS destination,
    audience.property,
    told_count.succeeded_add,
    told_count.succeeded_remove,
    told_count.failed_add,
    told_count.failed_remove
FROM told_count
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
