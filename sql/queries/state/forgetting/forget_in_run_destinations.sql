-- Purpose: a destination's error that names somebody who is being forgotten loses the words.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE run_destination AS d
SET error = %(words)s
FROM forgotten_text AS naming
WHERE naming.text = d.error
