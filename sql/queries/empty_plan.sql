-- Purpose: the private tables start empty for each destination.
-- Rows: none.
TRUNCATE plan_audience, contact_change, caller, planned_identify
