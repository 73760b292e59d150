-- Purpose: creates the table of the identifies of one destination, with their place in the order: a row for each
-- contact that gets a call, or, where every audience has a call of its own, for each contact and part.
-- only_part: null where all parts of the contact go together.
-- Rows: none.
CREATE TEMPORARY TABLE planned_identify (
    contact text COLLATE "C" NOT NULL,
    only_part integer,
    urgency smallint NOT NULL,
    parts integer NOT NULL,
    properties integer NOT NULL,
    page integer NOT NULL
) ON COMMIT DROP
