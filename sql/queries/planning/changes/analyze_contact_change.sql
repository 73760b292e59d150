-- Purpose: the planner has to know how large the private table came out; nobody analyzes those by themselves.
-- Rows: none.
ANALYZE contact_change
