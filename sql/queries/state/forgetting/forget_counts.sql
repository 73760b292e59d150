-- Purpose: people who are being forgotten do not count any more; the next run that ends counts anew.
-- Rows: none.
DELETE FROM contact_count
