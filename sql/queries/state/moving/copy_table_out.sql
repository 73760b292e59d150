-- Purpose: a whole table of the state, for another database.
-- Placeholders: columns, source (identifiers).
-- Rows: by COPY.
COPY (SELECT {columns} FROM {source}) TO STDOUT (FORMAT binary)
