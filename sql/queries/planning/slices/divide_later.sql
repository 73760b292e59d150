-- Purpose: divides what comes after the first slice by ranges of contacts, so that all rows of a contact are in one
-- slice, and what is accepted slice by slice writes its index in order.
-- Parameters: bounds (the contacts with which the slices after the first one begin).
-- Rows: none; fills sliced_delta.
INSERT INTO sliced_delta
SELECT
    later_delta.*,
    width_bucket(later_delta.contact, %(bounds)s::text[])
FROM later_delta
WHERE later_delta.kind <> 'skip' AND later_delta.contact >= (%(bounds)s::text[])[1]
