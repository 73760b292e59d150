-- Purpose: until the part of the transaction ends in which this is run, nothing can be written but to temporary tables.
-- Nothing that is run in it can take that back.
-- Rows: none.
SET TRANSACTION READ ONLY
