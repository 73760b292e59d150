-- Purpose: fills plan_audience for one destination.
-- Parameters: destination_id; reach_contacts, rollout (its reach); audience_ids, names, properties, traits (whether it
-- is one), keeps, reads, retired, contested, vanished (parallel arrays).
-- Rows: none.
INSERT INTO plan_audience (
    audience_id, name, property, is_trait, keeps, reads, retired, contested, vanished, initial, begun,
    reached_hashes, reached_rollout, due_before
)
SELECT
    given.audience_id,
    given.name,
    given.property,
    given.is_trait,
    given.keeps,
    given.reads,
    given.retired,
    given.contested,
    given.vanished,
    initial_sync.audience_id IS NULL
        OR NOT is_reach_within(
            hashed_reach(%(reach_contacts)s::text[]),
            %(rollout)s::float8,
            initial_sync.reach_hashes,
            initial_sync.rollout
        ),
    initial_sync.audience_id IS NOT NULL,
    initial_sync.reach_hashes,
    initial_sync.rollout,
    coalesce(
        (
            SELECT max(resync.before_run_id)
            FROM resync
            WHERE EXISTS (SELECT FROM resync AS any_row) -- asked once: as a rule nothing is due for anybody
                AND resync.destination_id = %(destination_id)s
                AND (resync.audience_id = given.audience_id OR resync.audience_id IS NULL)
                AND NOT (
                    (resync.reach_hashes IS NOT NULL OR resync.rollout IS NOT NULL)
                    AND is_reach_within(
                        hashed_reach(%(reach_contacts)s::text[]),
                        %(rollout)s::float8,
                        resync.reach_hashes,
                        resync.rollout
                    )
                )
        ),
        0
    )
FROM unnest(
    %(audience_ids)s::integer[], %(names)s::text[], %(properties)s::text[], %(traits)s::boolean[], %(keeps)s::boolean[],
    %(reads)s::boolean[], %(retired)s::boolean[], %(contested)s::boolean[], %(vanished)s::boolean[]
) AS given (audience_id, name, property, is_trait, keeps, reads, retired, contested, vanished)
LEFT JOIN initial_sync
    ON initial_sync.destination_id = %(destination_id)s AND initial_sync.audience_id = given.audience_id
