-- Purpose: takes PostgreSQL's binary COPY blocks as the warehouse sent them, unparsed.
-- Rows: none; the command's count is compared with what the warehouse says it sent.
COPY snapshot_member (audience, user_id, email, unsendable) FROM STDIN (FORMAT binary)
