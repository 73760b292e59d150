-- Purpose: notes who is held out from now on. Whoever was forgotten, and is still in the warehouse, is not.
-- Parameters: run_id; audience_ids, names (parallel arrays: the audiences that are planned).
-- Rows: none.
INSERT INTO held_out (audience_id, user_id, since, since_run_id)
SELECT DISTINCT given.audience_id, taken_out.user_id, now(), %(run_id)s::integer
FROM taken_out
JOIN unnest(%(audience_ids)s::integer[], %(names)s::text[]) AS given (audience_id, name)
    ON given.name = taken_out.audience
CROSS JOIN installation
WHERE taken_out.reason = 'held_out'
    AND NOT EXISTS (
        SELECT FROM held_out
        WHERE held_out.audience_id = given.audience_id
            AND held_out.user_id = taken_out.user_id
            AND held_out.until IS NULL
    )
    AND NOT EXISTS (
        SELECT FROM forgotten
        WHERE forgotten.hash IN (
                forget_hash(installation.forget_key, 'user_id', taken_out.user_id),
                forget_hash(installation.forget_key, 'email', contact_of(taken_out.email))
            )
    )
