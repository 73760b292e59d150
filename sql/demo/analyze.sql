-- Purpose: fresh statistics after a whole shop was written.
ANALYZE shop.customers, shop.orders
