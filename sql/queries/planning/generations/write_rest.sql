-- Purpose: keeps what the snapshot has of the users in rest_group, or that it has nothing.
-- Placeholders: source.
-- Rows: none.
INSERT INTO rest_member (audience, user_id, email, unsendable)
SELECT left_over.audience, left_over.user_id, source.email, source.unsendable
FROM (SELECT DISTINCT rest_group.audience, rest_group.user_id FROM rest_group) AS left_over
LEFT JOIN {source} AS source
    ON source.audience = left_over.audience AND source.user_id = left_over.user_id
