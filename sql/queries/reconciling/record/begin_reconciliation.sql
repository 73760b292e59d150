-- Purpose: begins a reconciliation.
-- Parameters: destination_id, audience_ids (null: all), sample (null: all), repairs, scheduled, actor.
-- Rows: one: reconciliation_id.
INSERT INTO reconciliation (destination_id, audience_ids, sample, repairs, scheduled, actor)
VALUES (
    %(destination_id)s,
    %(audience_ids)s::integer[],
    %(sample)s::integer,
    %(repairs)s,
    %(scheduled)s,
    %(actor)s
)
RETURNING reconciliation_id
