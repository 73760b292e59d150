-- Purpose: what is wrong with the emails that the customers typed.
-- Rows: one: missing (nothing or blanks), wrong (no address), shared (customers who share one with another), untidy
-- (blanks or capitals).
SELECT
    count(*) FILTER (WHERE coalesce(btrim(email), '') = '') AS missing,
    count(*) FILTER (WHERE email ~ '\S' AND email !~ '@') AS wrong,
    count(*) FILTER (WHERE email ~ '@' AND customers > 1) AS shared,
    count(*) FILTER (WHERE email ~ '@' AND email <> lower(btrim(email))) AS untidy
FROM (SELECT email, count(*) OVER (PARTITION BY lower(btrim(email))) AS customers FROM shop.customers) AS typed
