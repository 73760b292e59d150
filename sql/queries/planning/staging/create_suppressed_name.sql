-- Purpose: creates the private table for the names of whoever is suppressed, as the warehouse lists them.
-- audience: which list it is.
-- Rows: none.
CREATE TEMPORARY TABLE suppressed_name (
    audience text COLLATE "C",
    user_id text COLLATE "C",
    email text COLLATE "C",
    unsendable boolean NOT NULL
) ON COMMIT PRESERVE ROWS
