-- Purpose: takes a whole table of another state.
-- Placeholders: target, columns (identifiers).
-- Rows: by COPY.
COPY {target} ({columns}) FROM STDIN (FORMAT binary)
