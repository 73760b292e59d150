-- Purpose: takes the differences of what is taken back by this plan out of it: the next one finds them again.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none.
DELETE FROM member_delta
USING approved_rollback
JOIN plan_audience ON plan_audience.audience_id = approved_rollback.audience_id AND NOT plan_audience.retired
WHERE approved_rollback.destination_id = %(destination_id)s
    AND approved_rollback.contact = member_delta.contact
    AND approved_rollback.audience_id = member_delta.audience_id
    AND is_in_reach(approved_rollback.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
    AND member_delta.kind <> 'skip'
    AND NOT member_delta.suppressed
