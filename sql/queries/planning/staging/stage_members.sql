-- Purpose: copies members in as the warehouse hands them over: binary blocks of PostgreSQL, lines of CSV, or rows.
-- Placeholders: table; columns (`Source.columns`), format (of COPY).
-- Rows: none; the command's count is compared with the number of rows that the warehouse sent.
COPY {table} ({columns}) FROM STDIN (FORMAT {format})
