-- Purpose: texts that name people who were forgotten do not outlive the forgetting.
-- Rows: none.
DROP TABLE forgotten_text
