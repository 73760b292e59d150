-- Purpose: adds what a run plans for each audience at a destination.
-- Parameters: run_id, destination_id; audience_id, members (null: counted later), added, removed, held, held_add,
-- deferred, deferred_add, yielding, refreshed, reads, initial (parallel arrays).
-- Rows: none.
INSERT INTO run_count (
    run_id, destination_id, audience_id, members, planned_add, planned_remove, held, held_add, deferred,
    deferred_add, yielding, refreshed, reads, initial
)
SELECT %(run_id)s, %(destination_id)s, given.*
FROM unnest(
    %(audience_id)s::integer[], %(members)s::bigint[], %(added)s::bigint[], %(removed)s::bigint[], %(held)s::bigint[],
    %(held_add)s::bigint[], %(deferred)s::bigint[], %(deferred_add)s::bigint[], %(yielding)s::bigint[],
    %(refreshed)s::bigint[], %(reads)s::boolean[], %(initial)s::boolean[]
) AS given (
    audience_id, members, planned_add, planned_remove, held, held_add, deferred, deferred_add, yielding, refreshed,
    reads, initial
)
