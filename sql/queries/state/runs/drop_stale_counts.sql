-- Purpose: where a run did much, counting anew is less work than following what it did.
-- Parameters: run_id; taken (destination ids: their counts are right already).
-- Rows: none.
DELETE FROM contact_count
WHERE contact_count.destination_id <> ALL (%(taken)s::integer[])
    AND (
        SELECT count(*)
        FROM sync_change
        WHERE sync_change.run_id = %(run_id)s
            AND sync_change.destination_id = contact_count.destination_id
            AND sync_change.effect <> 'none'
    ) > (
        SELECT greatest(10000, sum(user_count.users) / 4)
        FROM user_count
        WHERE user_count.destination_id = contact_count.destination_id
    )
