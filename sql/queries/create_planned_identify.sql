-- Purpose: the identifies of one destination: a row per contact that gets a call, with its place in the order.
-- Rows: none.
CREATE TEMPORARY TABLE planned_identify (
    contact text COLLATE "C" NOT NULL,
    caller text COLLATE "C" NOT NULL,
    urgency smallint NOT NULL,
    parts integer NOT NULL,
    properties integer NOT NULL,
    page integer NOT NULL
) ON COMMIT DROP
