-- Purpose: texts that name somebody who was forgotten do not outlive the forgetting.
-- Rows: none.
DROP TABLE forgotten_text
