-- Purpose: adds a slice to what a run sends to a destination. Only with the last one does the plan leave out nothing.
-- Parameters: run_id, destination_id, planned, mirrors (this is the last one, and with it nothing is left out).
-- Rows: none.
UPDATE run_destination
SET planned = planned + %(planned)s, mirrors = %(mirrors)s
WHERE run_id = %(run_id)s AND destination_id = %(destination_id)s
