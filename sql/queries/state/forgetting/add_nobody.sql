-- Purpose: rows of nobody, so that no table is empty while its statistics are taken: those of an empty table would stay
-- as they were.
-- Rows: none.
WITH nobody AS MATERIALIZED (
    SELECT destination.destination_id, 'forgotten ' || repeat('0', 32) AS token FROM destination
),
member AS (
    INSERT INTO synced_member (
        destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id
    )
    SELECT nobody.destination_id, 0, 0, 0, now(), nobody.token, nobody.token FROM nobody
),
told AS (
    INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id)
    SELECT nobody.destination_id, 0, 0, now(), nobody.token, nobody.token FROM nobody
)
INSERT INTO synced_profile (destination_id, contact, traits)
SELECT nobody.destination_id, nobody.token, '{}' FROM nobody
