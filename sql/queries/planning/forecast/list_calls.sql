-- Purpose: calls of the plan that was just made for a destination, as a run would send them but for the ids of calls,
-- which are each run's own: those of a page, or those to one contact. No more than so many.
-- Parameters: destination_id, per_audience, page, limit; who (the contact; null: those of the page), by_email
-- (whether that is an address).
-- Rows: contact, part, user_id (that the call names), email, traits, about, name (of what it is about), message_id,
-- properties, values (an array in parallel); traits and values as JSON text.
WITH chosen AS (
    SELECT planned_identify.contact, planned_identify.only_part
    FROM planned_identify
    WHERE CASE
        WHEN %(who)s::text IS NULL
            THEN planned_identify.page = %(page)s
        ELSE planned_identify.contact = CASE WHEN %(by_email)s THEN contact_of(%(who)s) ELSE %(who)s END
    END
    ORDER BY planned_identify.contact, planned_identify.only_part
    LIMIT %(limit)s
),
own AS MATERIALIZED (
    SELECT
        installation.installation_id,
        gen_random_uuid() AS nonce,
        (SELECT destination.name FROM destination WHERE destination.destination_id = %(destination_id)s) AS destination
    FROM installation
)
SELECT
    contact_change.contact,
    contact_change.part,
    caller.user_id,
    coalesce(caller.email, contact_change.contact) AS email,
    caller.traits::text AS traits,
    CASE
        WHEN NOT %(per_audience)s THEN NULL
        WHEN bool_or(plan_audience.is_trait) THEN 'trait'
        ELSE 'audience'
    END AS about,
    min(plan_audience.name) FILTER (WHERE %(per_audience)s) AS name,
    message_id(
        own.installation_id,
        own.nonce,
        own.destination,
        contact_change.contact,
        contact_change.part,
        CASE WHEN %(per_audience)s THEN min(plan_audience.property) END
    ) AS message_id,
    array_agg(plan_audience.property ORDER BY contact_change.audience_id) AS properties,
    '[' || string_agg(
        coalesce(
            contact_change.trait_value,
            CASE WHEN plan_audience.is_trait THEN 'null' ELSE to_jsonb(contact_change.value) END
        )::text,
        ','
        ORDER BY contact_change.audience_id
    ) || ']' AS values
FROM chosen
JOIN contact_change
    ON contact_change.contact = chosen.contact
    AND (chosen.only_part = contact_change.part OR chosen.only_part IS NULL)
    AND contact_change.op <> 'covered'
    AND contact_change.waits IS NULL
JOIN plan_audience USING (audience_id)
JOIN caller ON caller.contact = contact_change.contact
CROSS JOIN own
GROUP BY
    contact_change.contact, contact_change.part, caller.user_id, caller.email, caller.traits, own.installation_id,
    own.nonce, own.destination
ORDER BY contact_change.contact, contact_change.part
