-- Purpose: a customer whose history is worth looking at: one who left an audience, and best of all came back.
-- Rows: none or one: user_id, name.
SELECT h.user_id, c.name
FROM syncer.audience_membership_history AS h
JOIN shop.customers AS c ON c.customer_id = h.user_id
GROUP BY h.user_id, c.name
HAVING count(h.exited_at) > 0
ORDER BY count(DISTINCT h.contact), count(*) - count(DISTINCT h.audience) DESC, count(h.exited_at) DESC, count(*) DESC,
    h.user_id
LIMIT 1
