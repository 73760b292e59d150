-- Purpose: marks a run as planned: its plan is whole, and is committed with this.
-- Parameters: run_id, snapshot_at, memberships, contacts (null: counted later), calls_saved, deferred, later.
-- Rows: run_id; no row unless the run was still being read.
UPDATE run
SET phase = 'planned',
    snapshot_at = %(snapshot_at)s,
    memberships = %(memberships)s,
    contacts = %(contacts)s,
    calls_saved = %(calls_saved)s,
    deferred = %(deferred)s,
    later = %(later)s
WHERE run_id = %(run_id)s AND phase = 'reading'
RETURNING run_id
