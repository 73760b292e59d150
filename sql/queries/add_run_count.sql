-- Purpose: what a run plans for an audience at a destination.
-- Parameters: run_id, destination_id, audience_id, members, planned_add, planned_remove, held, held_add,
-- deferred, deferred_add, reads, initial.
-- Rows: none.
INSERT INTO run_count (
    run_id, destination_id, audience_id, members, planned_add, planned_remove, held, held_add, deferred,
    deferred_add, reads, initial
)
VALUES (
    %(run_id)s, %(destination_id)s, %(audience_id)s, %(members)s, %(planned_add)s, %(planned_remove)s, %(held)s,
    %(held_add)s, %(deferred)s, %(deferred_add)s, %(reads)s, %(initial)s
)
