-- Purpose: who is being forgotten does not count any more; the next run that ends counts anew.
-- Rows: none.
DELETE FROM contact_count
