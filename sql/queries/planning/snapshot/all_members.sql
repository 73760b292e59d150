-- Purpose: the snapshot with the rows that were taken out of it, for what has to know of everybody.
-- Rows: those of snapshot_member.
SELECT snapshot_member.* FROM snapshot_member
UNION ALL
SELECT
    taken_out.audience,
    taken_out.user_id,
    taken_out.email,
    taken_out.unsendable,
    taken_out.traits,
    taken_out.value,
    taken_out.value_type
FROM taken_out
