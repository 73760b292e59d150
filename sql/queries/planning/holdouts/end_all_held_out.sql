-- Purpose: ends all holdouts of these audiences: nobody is held out of anything any more.
-- Parameters: run_id, audience_ids.
-- Rows: none.
UPDATE held_out
SET until = now(), until_run_id = %(run_id)s
WHERE audience_id = ANY (%(audience_ids)s::integer[]) AND until IS NULL
