-- Purpose: lifts the pauses that name what is given: of an audience at every destination, of a destination as a whole,
-- of one at the other, or, if nothing is given, the pause of everything.
-- Parameters: destination_id, audience_id.
-- Rows: a row for each pause that was lifted.
DELETE FROM pause
WHERE (pause.audience_id IS NOT DISTINCT FROM %(audience_id)s::integer)
    AND (
        pause.destination_id IS NOT DISTINCT FROM %(destination_id)s::integer
        OR (%(destination_id)s::integer IS NULL AND %(audience_id)s::integer IS NOT NULL)
    )
RETURNING pause.since
