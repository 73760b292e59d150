-- Purpose: sets up the session for diff_members. Workers hand over only the differences, but the planner takes those
-- for half of all rows and would not use workers: handing over is made to cost nothing. A small work_mem cuts the hash
-- join into batches that fit the processor's cache, which gains more than it costs to write them. Nothing is merged: of
-- arrays the planner knows too little, and would sort all rows of both sides on the disk to join them with thousands of
-- audiences.
-- Parameters: destination_id.
-- Rows: one: tuple_cost, memory, merge_joins, as they were (for end_comparing); knows_nobody (the destination was told
-- of nobody).
WITH before AS MATERIALIZED (
    SELECT
        current_setting('parallel_tuple_cost') AS tuple_cost,
        current_setting('work_mem') AS memory,
        current_setting('enable_mergejoin') AS merge_joins
),
after AS MATERIALIZED (
    SELECT
        set_config('parallel_tuple_cost', '0', true),
        set_config('work_mem', '16MB', true),
        set_config('enable_mergejoin', 'off', true)
    FROM before
)
SELECT
    before.tuple_cost,
    before.memory,
    before.merge_joins,
    NOT EXISTS (SELECT FROM synced_member WHERE synced_member.destination_id = %(destination_id)s) AS knows_nobody
FROM before, after
