-- Purpose: makes room for the replay of the next destination.
-- Rows: none.
DROP TABLE replay, replay_told
