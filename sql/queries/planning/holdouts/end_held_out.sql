-- Purpose: ends the holdout of those who are not held out of these audiences any more.
-- Parameters: run_id; audience_ids, names (parallel arrays: the audiences whose rows are believed).
-- Rows: none.
UPDATE held_out
SET until = now(), until_run_id = %(run_id)s
FROM unnest(%(audience_ids)s::integer[], %(names)s::text[]) AS given (audience_id, name)
WHERE held_out.audience_id = given.audience_id
    AND held_out.until IS NULL
    AND NOT EXISTS (
        SELECT FROM taken_out
        WHERE taken_out.reason = 'held_out'
            AND taken_out.audience = given.name
            AND taken_out.user_id = held_out.user_id
    )
