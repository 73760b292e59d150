-- Purpose: a run whose error names people who are being forgotten keeps its status and loses the words.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE run
SET error = %(words)s
FROM forgotten_text
WHERE forgotten_text.text = run.error
