-- Purpose: takes rows from a warehouse without COPY.
-- Rows: none; the command's count is compared with the rows that were read.
COPY snapshot_member (audience, user_id, email, unsendable) FROM STDIN
