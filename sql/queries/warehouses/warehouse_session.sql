-- Purpose: sets what the texts that we make of values depend on, and how our own literals are read; for this
-- transaction only. What views mean stays as the reader has it: their time zone, the order of a date's parts,
-- search_path, policies; and so do their time limits.
-- Rows: none.
SET LOCAL datestyle = 'ISO';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL standard_conforming_strings = on;
SET LOCAL array_nulls = on
