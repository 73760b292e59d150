-- Purpose: where a run did much, counting anew is less work than following what it did.
-- Parameters: run_id; taken (destination ids: their counts are right already).
-- Rows: none.
DELETE FROM contact_count AS told
WHERE told.destination_id <> ALL (%(taken)s::integer[]) AND (
    SELECT count(*)
    FROM sync_change AS c
    WHERE c.run_id = %(run_id)s AND c.destination_id = told.destination_id AND c.effect <> 'none'
) > (
    SELECT greatest(10000, sum(n.users) / 4)
    FROM user_count AS n
    WHERE n.destination_id = told.destination_id
)
