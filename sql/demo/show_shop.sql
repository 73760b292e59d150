-- Purpose: what the shop is like now.
-- Rows: one: today, customers, orders.
SELECT shop.today() AS today, (SELECT count(*) FROM shop.customers) AS customers,
    (SELECT count(*) FROM shop.orders) AS orders
