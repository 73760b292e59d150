-- Purpose: the identifies of one destination: a row per contact that gets a call, with its place in the order; or per
-- contact and part, where every audience has a call of its own (`only_part` is null where all parts go together).
-- Rows: none.
CREATE TEMPORARY TABLE planned_identify (
    contact text COLLATE "C" NOT NULL,
    only_part smallint,
    urgency smallint NOT NULL,
    parts integer NOT NULL,
    properties integer NOT NULL,
    page integer NOT NULL
) ON COMMIT DROP
