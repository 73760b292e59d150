-- Purpose: adds to the differences what the destination was told of suppressed contacts before they were beyond its
-- reach: nothing else is compared there.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with lose and unsure.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email, entered_run_id, entered_at, told_run_id)
SELECT
    'lose',
    synced_member.audience_id,
    synced_member.contact,
    synced_member.user_id,
    NULL,
    synced_member.entered_run_id,
    synced_member.entered_at,
    synced_member.told_run_id
FROM suppressed_contact
JOIN synced_member
    ON synced_member.destination_id = %(destination_id)s AND synced_member.contact = suppressed_contact.contact
JOIN plan_audience ON plan_audience.audience_id = synced_member.audience_id
WHERE NOT (plan_audience.is_trait AND plan_audience.keeps)
    AND NOT is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
UNION ALL
SELECT 'unsure', uncertain.audience_id, uncertain.contact, uncertain.user_id, uncertain.email, NULL, NULL, NULL
FROM suppressed_contact
JOIN uncertain
    ON uncertain.destination_id = %(destination_id)s AND uncertain.contact = suppressed_contact.contact
JOIN plan_audience ON plan_audience.audience_id = uncertain.audience_id
WHERE NOT is_in_reach(uncertain.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
