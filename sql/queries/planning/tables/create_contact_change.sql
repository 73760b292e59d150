-- Purpose: member_delta folded: what becomes of each property of each contact, for one destination.
-- follows: the first class of delivery in which it may go, after another contact's `false` (a user moved).
-- said: the value of a computed trait; null for true and false.
-- waits: why it is not told in this run: held (by the guard), refused (in backoff, or parked),
-- deferred (the next run is due before it could be told).
-- came: who enters, of several user ids the smallest; null if nobody does. alone: that is the only row of the state that
-- moves, so `member_delta` need not be asked again.
-- Rows: none.
CREATE TEMPORARY TABLE contact_change (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    op change_op NOT NULL,
    initial boolean NOT NULL,
    follows smallint NOT NULL DEFAULT 0,
    part smallint NOT NULL DEFAULT 0,
    value boolean NOT NULL,
    said jsonb,
    came text COLLATE "C",
    alone boolean NOT NULL DEFAULT false,
    waits text
) ON COMMIT DROP
