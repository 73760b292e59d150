-- Purpose: one demo at a time in a folder; it lasts as long as the session.
-- Rows: one: taken.
SELECT pg_try_advisory_lock(hashtextextended('syncer demo', 0)) AS taken
