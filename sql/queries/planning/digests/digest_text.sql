-- Purpose: digests a text, so that only who knows this state could try whether it is another one.
-- Parameters: text.
-- Rows: one: digest.
SELECT forget_hash(installation.forget_key, 'plan', %(text)s) AS digest
FROM installation
