-- Purpose: lets a contact that was refused wait for its next try, unless it is to be told something else by now. A plan
-- about some audiences only cannot know whether it is something else.
-- Parameters: destination_id, run_id (of this plan), whole (this plan is about all audiences).
-- Rows: none.
UPDATE contact_change
SET waits = 'refused'
FROM (
    SELECT refused_contact.contact
    FROM refused_contact
    JOIN contact_change AS pending
        ON pending.contact = refused_contact.contact AND pending.op <> 'covered' AND pending.waits IS NULL
    JOIN plan_audience USING (audience_id)
    JOIN caller ON caller.contact = refused_contact.contact
    WHERE refused_contact.destination_id = %(destination_id)s
        AND (refused_contact.next_try_run_id > %(run_id)s OR refused_contact.next_try_run_id IS NULL)
    GROUP BY
        refused_contact.contact,
        refused_contact.fingerprint,
        caller.user_id,
        caller.email,
        caller.traits
    HAVING NOT %(whole)s
        OR refused_contact.fingerprint = refusal_fingerprint(
            caller.user_id,
            caller.email,
            caller.traits,
            jsonb_object_agg(
                pending.audience_id,
                coalesce(
                    pending.trait_value,
                    CASE WHEN plan_audience.is_trait THEN 'null' ELSE to_jsonb(pending.value) END
                )
            )
        )
) AS waiting
WHERE contact_change.contact = waiting.contact
    AND contact_change.op <> 'covered'
    AND contact_change.waits IS NULL
