-- Purpose: which of some contacts a destination is about.
-- Parameters: contacts; listed, share (the destination's reach).
-- Rows: contact.
SELECT given.contact
FROM unnest(%(contacts)s::text[]) AS given (contact)
WHERE is_in_reach(given.contact, %(listed)s::text[], %(share)s::float8)
