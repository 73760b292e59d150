-- Purpose: what is wrong and was alerted.
-- Rows: kind, subject.
SELECT kind, subject
FROM alert
