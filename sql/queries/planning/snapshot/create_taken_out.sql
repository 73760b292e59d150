-- Purpose: creates the private table for the rows that are taken out of the snapshot.
-- reason: suppressed, outranked (another audience of the person comes first) or held_out. because: that in words, if
-- there is more to say.
-- Rows: none.
CREATE TEMPORARY TABLE taken_out (
    LIKE snapshot_member,
    reason text NOT NULL,
    because text
) ON COMMIT PRESERVE ROWS
