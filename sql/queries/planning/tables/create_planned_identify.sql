-- Purpose: creates the table of the identifies of one destination, with their place in the order: a row for each
-- contact that gets a call, or, where every audience has a call of its own, for each contact and part.
-- only_part: null where all parts of the contact go together.
-- place: its number in that order, page by page; the history is sorted by it, because numbers compare fastest.
-- Rows: none.
CREATE TEMPORARY TABLE planned_identify (
    contact text COLLATE "C" NOT NULL,
    only_part integer,
    urgency smallint NOT NULL,
    parts integer NOT NULL,
    properties integer NOT NULL,
    page integer NOT NULL,
    place bigint NOT NULL
) ON COMMIT DROP
