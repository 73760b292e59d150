-- Purpose: finds what is uncertain at a destination and is told nothing by this plan, because there is nothing to be
-- told: create_left_uncertain lists the reasons. What only waits, and what this plan is not about, is none of it.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach); unasked (ids of computed traits that
-- the configuration does not have any more).
-- Rows: none; fills left_uncertain.
INSERT INTO left_uncertain (contact, audience_id, reason)
SELECT
    uncertain.contact,
    uncertain.audience_id,
    CASE
        WHEN plan_audience.audience_id IS NULL THEN 'not_configured'
        WHEN uncertain.contact IN (SELECT suppressed_contact.contact FROM suppressed_contact) THEN 'suppressed'
        WHEN NOT is_in_reach(uncertain.contact, %(reach_contacts)s::text[], %(rollout)s::float8) THEN 'out_of_reach'
        WHEN EXISTS (
            SELECT FROM member_delta
            WHERE member_delta.kind = 'unsure'
                AND member_delta.still_named
                AND member_delta.contact = uncertain.contact
                AND member_delta.audience_id = uncertain.audience_id
        ) THEN 'skipped'
        ELSE 'no_value'
    END
FROM uncertain
LEFT JOIN plan_audience ON plan_audience.audience_id = uncertain.audience_id AND NOT plan_audience.resting
WHERE uncertain.destination_id = %(destination_id)s
    AND (plan_audience.audience_id IS NOT NULL OR uncertain.audience_id = ANY (%(unasked)s::integer[]))
    AND NOT EXISTS (
        SELECT FROM contact_change
        WHERE contact_change.contact = uncertain.contact AND contact_change.audience_id = uncertain.audience_id
    )
