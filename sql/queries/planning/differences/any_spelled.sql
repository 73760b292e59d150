-- Purpose: whether the comparison left rows that have to be matched once more (see match_spelled).
-- Rows: one: found.
SELECT EXISTS (SELECT FROM member_delta AS d WHERE d.kind = 'spelled') AS found
