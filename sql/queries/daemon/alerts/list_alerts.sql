-- Purpose: what is wrong and was told.
-- Rows: kind, subject.
SELECT kind, subject
FROM alert
