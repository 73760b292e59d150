-- Purpose: makes room for the installation that moves in; message ids and hashes of keys hang on its id.
-- Parameters: none.
-- Rows: none.
DELETE FROM installation
