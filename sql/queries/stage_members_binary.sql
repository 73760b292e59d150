-- Purpose: takes PostgreSQL's binary COPY blocks as the warehouse sent them, unparsed.
-- Placeholders: columns (`Source.columns`).
-- Rows: none; the command's count is compared with what the warehouse says it sent.
COPY snapshot_member ({columns}) FROM STDIN (FORMAT binary)
