-- Purpose: restores the settings that begin_comparing found. RESET would restore the server's and not the session's.
-- Parameters: tuple_cost, memory, merge_joins.
-- Rows: one, of no use.
SELECT
    set_config('parallel_tuple_cost', %(tuple_cost)s, true) AS tuple_cost,
    set_config('work_mem', %(memory)s, true) AS memory,
    set_config('enable_mergejoin', %(merge_joins)s, true) AS merge_joins
