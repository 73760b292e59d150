-- Purpose: lets days pass.
-- Parameters: days.
-- Rows: one: orders, customers, addresses: how many came, and how many emails changed.
SELECT orders, customers, addresses FROM shop.pass_days(%(days)s)
