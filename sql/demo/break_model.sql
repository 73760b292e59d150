-- Purpose: the job that builds an audience fails: its rows are gone, as after a bad deployment.
-- Parameters: audience.
-- Rows: none.
INSERT INTO shop.broken_models (audience_name) VALUES (%(audience)s)
