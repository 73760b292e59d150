-- Purpose: says what stands at a destination from the runs before. Each answer is a look into an index.
-- Parameters: destination_id.
-- Rows: one: uncertain, refused, held (approved or not), skipped, resyncs, users_told_false, users_back, forgotten.
SELECT
    EXISTS (SELECT FROM uncertain WHERE destination_id = %(destination_id)s) AS uncertain,
    EXISTS (SELECT FROM refused_contact WHERE destination_id = %(destination_id)s) AS refused,
    EXISTS (SELECT FROM held_change WHERE destination_id = %(destination_id)s) AS held,
    EXISTS (SELECT FROM skipped_member WHERE destination_id = %(destination_id)s) AS skipped,
    EXISTS (SELECT FROM resync WHERE destination_id = %(destination_id)s) AS resyncs,
    EXISTS (SELECT FROM user_told_false WHERE destination_id = %(destination_id)s) AS users_told_false,
    EXISTS (SELECT FROM user_told_false WHERE destination_id = %(destination_id)s AND is_back) AS users_back,
    EXISTS (SELECT FROM forgotten) AS forgotten
