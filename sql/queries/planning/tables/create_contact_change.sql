-- Purpose: creates the table of what becomes of each property of each contact: member_delta folded, for one
-- destination.
-- value: what the property becomes. trait_value: the value of a computed trait; null for an audience.
-- earliest_urgency: the first class of urgency in which it may go, if it follows another contact's false (a user
-- moved); else 0. order_identifies lists the classes.
-- entering_user_id: who enters, of several users the smallest id; null if nobody does.
-- enters_alone: that is the only row that moves, so member_delta knows nothing more.
-- waits: why it is not told in this run: contested (two names claim the property), held (by the guard), refused (until
-- its next try), deferred (to the next run, which is due before it could be told; or because of another call).
-- yields: it is deferred for another audience of a priority.
-- Rows: none.
CREATE TEMPORARY TABLE contact_change (
    contact text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    op change_op NOT NULL,
    initial boolean NOT NULL,
    earliest_urgency smallint NOT NULL DEFAULT 0,
    part integer NOT NULL DEFAULT 0,
    value boolean NOT NULL,
    trait_value jsonb,
    entering_user_id text COLLATE "C",
    enters_alone boolean NOT NULL DEFAULT false,
    waits text,
    yields boolean NOT NULL DEFAULT false
) ON COMMIT DROP
