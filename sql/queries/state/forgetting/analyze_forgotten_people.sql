-- Purpose: one name and ten thousand want different plans.
-- Rows: none.
ANALYZE forgotten_contact, forgotten_user
