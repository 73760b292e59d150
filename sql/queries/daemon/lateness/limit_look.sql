-- Purpose: a look that has to wait (a table is locked, a server is busy) ends by itself, and leaves no session behind.
-- Rows: none.
SET statement_timeout = '5s'
