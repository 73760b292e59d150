-- Purpose: the private tables start empty for each destination.
-- Rows: none.
TRUNCATE plan_audience, contact_change, profile, caller, follow_edge, planned_identify
