-- Purpose: the user id that each contact's call carries.
-- Rows: none.
CREATE TEMPORARY TABLE caller (
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL
) ON COMMIT DROP
