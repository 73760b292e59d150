-- Purpose: a name for a new table at the warehouse, which no other installation and no other run has.
-- Parameters: run_id.
-- Rows: one: name.
SELECT
    'syncer_' || left(replace(installation_id::text, '-', ''), 12)
    || '_' || %(run_id)s::text
    || '_' || left(replace(gen_random_uuid()::text, '-', ''), 12) AS name
FROM installation
