-- Purpose: removes the staged rows, and what PostgreSQL has sampled of them, before a snapshot is taken and once its
-- plan is written.
-- Rows: none.
DROP TABLE IF EXISTS snapshot_member, moved_member, suppressed_name, suppressed_person, taken_out
