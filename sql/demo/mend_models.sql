-- Purpose: every audience is built again.
-- Rows: none.
DELETE FROM shop.broken_models
