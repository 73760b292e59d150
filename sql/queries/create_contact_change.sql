-- Purpose: member_delta folded: what becomes of each property of each contact, for one destination.
-- follows: it must be told after another contact's `false` (a user moved).
-- Rows: none.
CREATE TEMPORARY TABLE contact_change (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    op change_op NOT NULL,
    initial boolean NOT NULL,
    follows boolean NOT NULL DEFAULT false,
    part smallint NOT NULL DEFAULT 0,
    value boolean NOT NULL
) ON COMMIT DROP
