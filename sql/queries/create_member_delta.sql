-- Purpose: where snapshot and synced state differ, row by row, for one destination.
-- kind: gain (only the snapshot has it), lose (only the state has it), skip (cannot be sent, `reason`),
-- unsure (the contact's last call has no answer), again (both have it, and it is due again), retract (it was told
-- false, and that is due again), changed (both have it, with another `value` or other traits). named: a skipped row still names this contact or user.
-- Rows: none.
CREATE TEMPORARY TABLE member_delta (
    kind text COLLATE "C" NOT NULL,
    audience_id integer,
    entered_run_id integer,
    entered_at timestamptz,
    named boolean NOT NULL DEFAULT false,
    contact text COLLATE "C",
    user_id text COLLATE "C",
    reason text COLLATE "C",
    audience text COLLATE "C",
    email text COLLATE "C",
    value jsonb
) ON COMMIT DROP
