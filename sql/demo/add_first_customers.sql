-- Purpose: the customers whom the story finds in the shop: they joined in the last 200 days.
-- Parameters: customers.
SELECT shop.add_customers(%(customers)s, shop.today() - 200, shop.today())
