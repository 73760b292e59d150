-- Purpose: drops what a rollback cannot take back any more. One that is not approved is dropped once a plan tells the
-- contact anything new about the audience, or moves its rows: what moved since is left alone. What is only told again,
-- before it expires or in a resync, is not new. An approved one stays until it is accepted, unless nobody may be told
-- it now; beyond the destination's reach it waits for a larger one.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach).
-- Rows: none.
DELETE FROM held_change
USING (
    SELECT waiting.audience_id, waiting.contact
    FROM held_change AS waiting
    JOIN plan_audience USING (audience_id)
    LEFT JOIN contact_change
        ON contact_change.contact = waiting.contact AND contact_change.audience_id = waiting.audience_id
    WHERE waiting.destination_id = %(destination_id)s
        AND waiting.rolls_back_run_id > 0
        AND (
            is_token(waiting.contact)
            OR CASE
                WHEN waiting.approved_at IS NULL
                    THEN plan_audience.retired
                        OR (contact_change.op NOT IN ('refreshed', 'reasserted') AND contact_change.waits IS NULL)
                ELSE contact_change.op IS DISTINCT FROM waiting.op
                    AND is_in_reach(waiting.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
            END
        )
) AS gone
WHERE held_change.destination_id = %(destination_id)s
    AND held_change.audience_id = gone.audience_id
    AND held_change.contact = gone.contact
