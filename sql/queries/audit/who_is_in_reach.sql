-- Purpose: lists which of these contacts are within a destination's reach.
-- Parameters: contacts; reach_contacts, rollout (the destination's reach).
-- Rows: contact.
SELECT given.contact
FROM unnest(%(contacts)s::text[]) AS given (contact)
WHERE is_in_reach(given.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
