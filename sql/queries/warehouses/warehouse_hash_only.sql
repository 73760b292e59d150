-- Purpose: lets this transaction compare a part of two tables in 128 MB of memory. A table of hashes gets a multiple of
-- `work_mem`, by default two from version 15 on, and one before. The planner does not know how many groups of users
-- there are, nor which rows are in them: what it would sort, or look up one by one, is hashed.
-- Rows: one, of no use.
SELECT
    set_config('enable_sort', 'off', true) AS no_sort,
    set_config('enable_mergejoin', 'off', true) AS no_merge,
    set_config('enable_nestloop', 'off', true) AS no_loops,
    set_config(
        'work_mem',
        greatest(
            pg_size_bytes(current_setting('work_mem')) / 1024,
            128 * 1024 / coalesce(current_setting('hash_mem_multiplier', true)::numeric, 1)
        )::integer || 'kB',
        true
    ) AS memory
