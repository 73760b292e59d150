-- Purpose: keeps everybody from rebuilding what is about to be read; reading and writing rows goes on. Being the first
-- statement of its transaction it waits for those who are at it, and only then the snapshot is taken.
-- Placeholders: tables, also views, which are locked with all that they read.
-- Rows: none.
LOCK TABLE {tables} IN ACCESS SHARE MODE
