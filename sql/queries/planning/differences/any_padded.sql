-- Purpose: says whether the comparison left rows for match_padded.
-- Rows: one: found.
SELECT EXISTS (SELECT FROM member_delta WHERE kind = 'padded') AS found
