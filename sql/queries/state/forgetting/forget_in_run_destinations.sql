-- Purpose: a destination's error that names people who are being forgotten loses the words.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE run_destination
SET error = %(words)s
FROM forgotten_text
WHERE forgotten_text.text = run_destination.error
