-- Purpose: lets the next process say what is wrong.
-- Parameters: token.
-- Rows: none.
DELETE FROM alert_turn
WHERE alert_turn.token = %(token)s
