-- Purpose: records where the destination believes something else than it had accepted.
-- Parameters: reconciliation_id, destination_id, repaired; contact, audience_id, kind, believed, accepted,
-- knows_contact (arrays, side by side).
-- Rows: none.
INSERT INTO reconciled_difference (
    reconciliation_id, destination_id, contact, audience_id, kind, believed, accepted, knows_contact, repaired
)
SELECT
    %(reconciliation_id)s,
    %(destination_id)s,
    given.contact,
    given.audience_id,
    given.kind,
    given.believed,
    given.accepted,
    given.knows_contact,
    %(repaired)s
FROM unnest(
    %(contact)s::text[],
    %(audience_id)s::integer[],
    %(kind)s::text[],
    %(believed)s::text[],
    %(accepted)s::text[],
    %(knows_contact)s::boolean[]
) AS given (contact, audience_id, kind, believed, accepted, knows_contact)
