-- Purpose: the names of those who were looked up do not outlive the question.
-- Rows: none.
DROP TABLE forgotten_contact, forgotten_email, forgotten_user
