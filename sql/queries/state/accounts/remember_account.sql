-- Purpose: what a destination points at from now on.
-- Parameters: name, account.
-- Rows: none.
UPDATE destination
SET account = %(account)s
WHERE name = %(name)s
