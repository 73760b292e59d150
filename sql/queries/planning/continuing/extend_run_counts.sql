-- Purpose: adds a slice to what a run plans for each audience at a destination: it was deferred until now.
-- Parameters: run_id, destination_id; audience_id, rows, contacts (parallel arrays: what the slice has of it, and how
-- many contacts are told of it).
-- Rows: none.
UPDATE run_count
SET planned_add = run_count.planned_add + written.contacts,
    deferred = run_count.deferred - written.rows,
    deferred_add = run_count.deferred_add - written.rows
FROM unnest(%(audience_id)s::integer[], %(rows)s::bigint[], %(contacts)s::bigint[])
    AS written (audience_id, rows, contacts)
WHERE run_count.run_id = %(run_id)s
    AND run_count.destination_id = %(destination_id)s
    AND run_count.audience_id = written.audience_id
