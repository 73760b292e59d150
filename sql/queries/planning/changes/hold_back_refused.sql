-- Purpose: a contact that was refused waits for its next try, unless something else is to be told to it by now. A plan
-- about some audiences only does not know whether it is something else.
-- Parameters: destination_id, run_id (of this plan), whole (about all audiences).
-- Rows: none.
UPDATE contact_change AS c
SET waits = 'refused'
FROM (
    SELECT r.contact
    FROM refused_contact AS r
    JOIN contact_change AS pending ON pending.contact = r.contact AND pending.op <> 'covered' AND pending.waits IS NULL
    JOIN plan_audience AS audience USING (audience_id)
    JOIN caller ON caller.contact = r.contact
    WHERE r.destination_id = %(destination_id)s
        AND (r.next_try_run_id > %(run_id)s OR r.next_try_run_id IS NULL)
    GROUP BY r.contact, r.fingerprint, caller.user_id, caller.email, caller.traits
    HAVING NOT %(whole)s
        OR r.fingerprint = refusal_fingerprint(
            caller.user_id,
            caller.email,
            caller.traits,
            jsonb_object_agg(
                pending.audience_id,
                coalesce(pending.said, CASE WHEN audience.is_trait THEN 'null' ELSE to_jsonb(pending.value) END)
            )
        )
) AS waiting
WHERE c.contact = waiting.contact AND c.op <> 'covered' AND c.waits IS NULL
