-- Purpose: creates the table of the audiences that are planned for the present destination.
-- is_trait: a computed trait, whose values are compared (diff_values).
-- keeps: a contact that drops out of the trait stays as it was last told.
-- reads: the snapshot's rows of this name count (it is neither retired nor off the destination's list).
-- contested: another name claims its property as well, so that nobody leaves it.
-- vanished: neither a row nor the configuration names it any more.
-- initial: its initial sync has not ended, or not for all of the destination's reach.
-- begun: it has ended for the reach of reached_hashes and reached_rollout.
-- resting: it is paused, and here only for what a rollback takes back of it.
-- due_before: what was told before this run is due again (a full resync); 0: only what is due again by itself.
-- Rows: none.
CREATE TEMPORARY TABLE plan_audience (
    audience_id integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    property text COLLATE "C" NOT NULL,
    is_trait boolean NOT NULL,
    keeps boolean NOT NULL,
    reads boolean NOT NULL,
    retired boolean NOT NULL,
    contested boolean NOT NULL,
    vanished boolean NOT NULL,
    resting boolean NOT NULL DEFAULT false,
    initial boolean NOT NULL,
    begun boolean NOT NULL,
    reached_hashes text[],
    reached_rollout float8,
    due_before integer NOT NULL
) ON COMMIT DROP
