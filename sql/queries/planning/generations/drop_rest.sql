-- Purpose: removes what was left of the plan before.
-- Rows: none.
DELETE FROM rest_member
