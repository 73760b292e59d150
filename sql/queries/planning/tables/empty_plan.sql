-- Purpose: the private tables start empty for each destination.
-- Rows: none.
TRUNCATE plan_audience, known_member, contact_change, profile, caller, follow_edge, planned_identify
