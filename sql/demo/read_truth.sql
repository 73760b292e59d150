-- Purpose: what every contact should be told: who is in which audience by the shop's own tables. Written without any
-- of syncer's code, so that it proves something: emails without blanks around, in small letters, if they are addresses.
-- Whoever unsubscribed is in none.
-- Placeholders: query, query_name: the audience that the configuration defines.
-- Rows: contact, audience.
SELECT DISTINCT lower(btrim(email)) AS contact, audience_name AS audience
FROM (
    SELECT audience_name, email FROM shop.audience_membership
    UNION ALL
    SELECT {query_name}, email FROM ({query}) AS configured
) AS members
WHERE btrim(email) ~ '^[^@[:space:]]+@[^@[:space:]]+$'
    AND lower(btrim(email)) NOT IN (SELECT unsubscribed.email FROM shop.unsubscribed)
