-- Purpose: whether the destination has never heard of anybody, and of no audience the initial sync has ended for
-- anybody: then no contact's call depends on another's, and the guard has nothing to judge.
-- Parameters: destination_id.
-- Rows: one: is_new.
SELECT
    NOT EXISTS (SELECT FROM plan_audience WHERE NOT initial OR begun OR resting)
    AND NOT EXISTS (SELECT FROM known_member)
    AND NOT EXISTS (SELECT FROM told_false WHERE destination_id = %(destination_id)s)
    AND NOT EXISTS (SELECT FROM synced_profile WHERE destination_id = %(destination_id)s)
    AND NOT EXISTS (SELECT FROM unanswered_contact WHERE destination_id = %(destination_id)s) AS is_new
