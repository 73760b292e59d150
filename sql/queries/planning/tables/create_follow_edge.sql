-- Purpose: whose call about an audience has to come after that of another contact: see follow_moves.
-- Rows: none.
CREATE TEMPORARY TABLE follow_edge (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    after text COLLATE "C" NOT NULL
) ON COMMIT DROP
