-- Purpose: creates the table of what is uncertain at the present destination and is told nothing by this plan, and why.
-- reason: skipped (a row that cannot be sent still names the contact or its user), no_value (nobody has a value of the
-- computed trait there, and it keeps those who drop out of it), not_configured (the configuration has no such computed
-- trait any more), out_of_reach (of the destination's contacts and rollout), suppressed.
-- Rows: none.
CREATE TEMPORARY TABLE left_uncertain (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    reason text NOT NULL
) ON COMMIT DROP
