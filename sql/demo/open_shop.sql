-- Purpose: the shop as the story finds it: its customers joined in the last 200 days, and ordered since.
-- Parameters: customers.
-- Rows: one: customers, orders.
SELECT shop.add_customers(%(customers)s, shop.today() - 200, shop.today()) AS customers,
    shop.add_orders(shop.today() - 200, shop.today()) AS orders
