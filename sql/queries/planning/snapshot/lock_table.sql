-- Purpose: keeps everybody from rebuilding the membership table while the plan reads it where it is. Being the first
-- statement of the plan it waits for those who are at it, and only then the plan's snapshot is taken.
-- Placeholders: table.
-- Rows: none.
LOCK TABLE ONLY {table} IN ACCESS SHARE MODE
