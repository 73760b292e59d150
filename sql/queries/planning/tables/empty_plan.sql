-- Purpose: empties the private tables for the next destination.
-- Rows: none.
TRUNCATE plan_audience, known_member, contact_change, profile, caller, moved_user, follow_edge, planned_identify,
    left_uncertain, suppressed_contact, changed_group
