-- Purpose: takes the rows of those who are held out of an audience out of the snapshot. A row whose user id cannot be
-- sent is of nobody who could be told: it is skipped for that, and names whom it names.
-- Parameters: audiences, seeds, shares (parallel arrays).
-- Rows: none; fills taken_out.
WITH taken AS (
    DELETE FROM snapshot_member
    USING unnest(%(audiences)s::text[], %(seeds)s::text[], %(shares)s::float8[]) AS given (audience, seed, share)
    WHERE snapshot_member.audience = given.audience
        AND NOT snapshot_member.unsendable
        AND contact_of(snapshot_member.user_id) <> ''
        AND octet_length(snapshot_member.user_id) <= 512
        AND NOT is_token(snapshot_member.user_id)
        AND is_held_out(snapshot_member.user_id, given.seed, given.share)
    RETURNING snapshot_member.*
)
INSERT INTO taken_out
SELECT taken.*, 'held_out', NULL
FROM taken
