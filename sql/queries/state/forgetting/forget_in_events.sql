-- Purpose: refusals of others' events lose the words that name people who are being forgotten.
-- Parameters: words (that stand there instead).
-- Rows: none.
UPDATE owed_event
SET refusal = %(words)s
FROM forgotten_text
WHERE forgotten_text.text = owed_event.refusal
