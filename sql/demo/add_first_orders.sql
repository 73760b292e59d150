-- Purpose: all that those customers have ordered so far.
SELECT shop.add_orders(shop.today() - 200, shop.today())
