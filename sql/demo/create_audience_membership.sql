-- Purpose: the audiences that the shop's marketing team keeps: a row per member, each audience a query over the orders.
CREATE VIEW shop.audience_membership AS
WITH buyers AS (
    SELECT customer_id, count(*) AS orders, sum(amount) AS spent, max(ordered_on) AS last_order
    FROM shop.orders
    WHERE status = 'completed'
    GROUP BY customer_id
),
members AS (
    SELECT 'VIP buyers' AS audience_name, customer_id FROM buyers WHERE spent >= 400
    UNION ALL
    SELECT 'Order completed last 30 days', customer_id FROM buyers WHERE last_order > shop.today() - 30
    UNION ALL
    SELECT 'First-time shopper', customer_id FROM buyers WHERE orders = 1
    UNION ALL
    SELECT 'Dormant shoppers', customer_id FROM buyers WHERE last_order <= shop.today() - 60
)
SELECT members.audience_name, customers.customer_id AS user_id, customers.email
FROM members
JOIN shop.customers USING (customer_id)
WHERE NOT EXISTS (SELECT FROM shop.broken_models WHERE broken_models.audience_name = members.audience_name)
