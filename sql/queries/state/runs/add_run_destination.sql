-- Purpose: a destination of a run that is being opened.
-- Parameters: run_id, destination_id.
-- Rows: none.
INSERT INTO run_destination (run_id, destination_id, planned)
VALUES (%(run_id)s, %(destination_id)s, 0)
