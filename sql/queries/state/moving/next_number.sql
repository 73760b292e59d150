-- Purpose: the number that the next row of a table would get.
-- Placeholders: sequence (identifier).
-- Rows: one: number.
SELECT last_value + is_called::integer AS number FROM {sequence}
