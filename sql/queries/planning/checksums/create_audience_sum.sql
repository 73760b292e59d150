-- Purpose: creates the table of what the groups of users of each audience of the snapshot add up to.
-- Rows: none.
CREATE TEMPORARY TABLE audience_sum (
    name text COLLATE "C" NOT NULL,
    sums bigint[] NOT NULL
) ON COMMIT DROP
