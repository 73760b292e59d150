-- Purpose: the private tables start empty for each destination.
-- Rows: none.
TRUNCATE plan_audience, member_delta, contact_change, profile, caller, planned_identify
