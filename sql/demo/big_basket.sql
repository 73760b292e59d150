-- Purpose: an audience that no table has: its query stands in the configuration. A customer who filled two big
-- baskets comes twice, as in life.
SELECT customer_id AS user_id, email
FROM shop.orders
JOIN shop.customers USING (customer_id)
WHERE status = 'completed'
    AND amount >= 150
    AND ordered_on > shop.today() - 90
