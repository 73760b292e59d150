-- Purpose: notes how much a run sends to a destination, and whom it skips.
-- Parameters: run_id, destination_id, planned, skipped, per_audience, keeps_profiles, keys_users; reach_contacts,
-- rollout (the destination's reach); mirrors (whether the plan leaves out nothing of the snapshot, but for what waits).
-- Rows: none.
UPDATE run_destination
SET planned = %(planned)s,
    skipped = %(skipped)s,
    per_audience = %(per_audience)s,
    keeps_profiles = %(keeps_profiles)s,
    keys_users = %(keys_users)s,
    reach_hashes = hashed_reach(%(reach_contacts)s::text[]),
    rollout = %(rollout)s,
    mirrors = %(mirrors)s
        AND NOT EXISTS (SELECT FROM contact_change WHERE contact_change.waits IS NOT NULL)
WHERE run_id = %(run_id)s AND destination_id = %(destination_id)s
