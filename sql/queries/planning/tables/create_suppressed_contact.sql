-- Purpose: creates the table of the contacts of the present destination that are suppressed.
-- Rows: none.
CREATE TEMPORARY TABLE suppressed_contact (
    contact text COLLATE "C" PRIMARY KEY
) ON COMMIT DROP
