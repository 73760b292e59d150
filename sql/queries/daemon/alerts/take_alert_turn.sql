-- Purpose: one process at a time says what is wrong, so that two do not say the same. The turn of one that was killed
-- ends by itself.
-- Parameters: token, seconds (that the turn lasts at most).
-- Rows: token, if it is our turn.
INSERT INTO alert_turn (token, ends_at)
VALUES (%(token)s, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (only_row) DO UPDATE
SET token = excluded.token, ends_at = excluded.ends_at
WHERE alert_turn.ends_at < clock_timestamp()
RETURNING alert_turn.token
