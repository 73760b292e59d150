-- Purpose: the view that looks for people is of one question.
-- Rows: none.
DROP VIEW known_person
