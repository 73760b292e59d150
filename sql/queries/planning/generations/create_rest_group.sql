-- Purpose: creates the table of the users in an audience of whom a destination is not told all with this plan.
-- Rows: none.
CREATE TEMPORARY TABLE rest_group (
    audience text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL
) ON COMMIT DROP
