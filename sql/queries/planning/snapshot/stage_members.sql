-- Purpose: takes members as the warehouse handed them over: PostgreSQL's binary blocks unparsed, lines of CSV, or rows.
-- Placeholders: columns (`Source.columns`), format (of COPY).
-- Rows: none; the command's count is compared with what the warehouse says it sent.
COPY snapshot_member ({columns}) FROM STDIN (FORMAT {format})
