-- Purpose: what is wrong and was told.
-- Rows: kind, subject.
SELECT a.kind, a.subject
FROM alert AS a
