-- Purpose: says which kinds of differences there are (diff_members lists them).
-- Rows: kind.
SELECT DISTINCT kind
FROM member_delta
