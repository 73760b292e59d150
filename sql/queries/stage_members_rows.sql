-- Purpose: takes rows from a warehouse without COPY.
-- Placeholders: columns (`Source.columns`).
-- Rows: none; the command's count is compared with the rows that were read.
COPY snapshot_member ({columns}) FROM STDIN
