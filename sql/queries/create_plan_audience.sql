-- Purpose: the audiences that this plan is about, at the destination that is being planned.
-- Rows: none.
CREATE TEMPORARY TABLE plan_audience (
    audience_id integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    property text COLLATE "C" NOT NULL,
    initial boolean NOT NULL
) ON COMMIT DROP
