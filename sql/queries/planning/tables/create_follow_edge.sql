-- Purpose: creates the table of the calls that follow another one: the call of `contact` about an audience comes after
-- that of the contact `after` (see follow_moves).
-- Rows: none.
CREATE TEMPORARY TABLE follow_edge (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    after text COLLATE "C" NOT NULL
) ON COMMIT DROP
