-- Purpose: creates the private table for the rows of users and audiences that changed at the warehouse.
-- unsendable: null where the snapshot has no row of the user in the audience any more.
-- Rows: none.
CREATE TEMPORARY TABLE moved_member (
    audience text COLLATE "C",
    user_id text COLLATE "C",
    email text COLLATE "C",
    unsendable boolean
) ON COMMIT PRESERVE ROWS
