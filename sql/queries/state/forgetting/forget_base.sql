-- Purpose: gives up the snapshot at the warehouse that plans compare with: it has the rows of people who are forgotten,
-- and what the state has of them is no longer what it was. Its table is dropped with the next look at the warehouse.
-- Rows: none; counts the rows that were left of it.
WITH given_up AS (
    UPDATE base
    SET run_id = NULL,
        scratch_table = NULL,
        seal = NULL,
        sources = NULL,
        readings = '{}',
        missing = 'somebody was forgotten after the run before'
)
DELETE FROM rest_member
