-- Purpose: what a destination accepted becomes known, in the same transaction as its history. Moves pages from
-- sending to done; synced_member gains and loses exactly what their rows say, exceptions aside; what was accepted is
-- certain, what has no answer is uncertain. Where the destination is told of events, one is owed if the accepted value is
-- another than the state's. What decides is worked out once, as booleans: the planner takes a condition on what it has
-- no statistics of for one row in two hundred, and looks rows up one by one.
-- Parameters: run_id, destination_id; pages, requests, retries (parallel arrays); exception_pages, contacts, parts,
-- outcomes, reasons, http_statuses, alones (parallel arrays: the identifies that ended otherwise than succeeded).
-- Rows: one: pages, the number that were moved; the caller rolls back if it is not the number that it named.
WITH settled AS (
    UPDATE sync_page AS p
    SET status = 'done', settled_at = clock_timestamp(), requests = given.requests, retries = given.retries
    FROM unnest(%(pages)s::integer[], %(requests)s::integer[], %(retries)s::integer[])
        AS given (page, requests, retries)
    WHERE p.run_id = %(run_id)s
        AND p.destination_id = %(destination_id)s
        AND p.page = given.page
        AND p.status = 'sending'
    RETURNING p.page
),
excepted AS (
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status, alone)
    SELECT %(run_id)s, %(destination_id)s, given.page, given.contact, given.part, given.outcome, given.reason,
        given.http_status, given.alone
    FROM unnest(
        %(exception_pages)s::integer[], %(contacts)s::text[], %(parts)s::smallint[],
        %(outcomes)s::identify_outcome[], %(reasons)s::text[], %(http_statuses)s::integer[],
        %(alones)s::boolean[]
    ) AS given (page, contact, part, outcome, reason, http_status, alone)
    RETURNING page, contact, part, outcome
),
change AS MATERIALIZED (
    SELECT c.page, c.part, c.audience_id, c.op, c.effect, c.lead, c.contact, c.user_id,
        coalesce(c.told_as, c.user_id) AS caller, c.email, c.value, c.traits, c.event, a.is_trait,
        c.value = CASE WHEN a.is_trait THEN 'null' ELSE 'false' END::jsonb AS is_false, e.outcome,
        e.outcome IS NULL AS accepted, e.outcome IS NULL AND c.lead AND c.op <> 'covered' AS told
    FROM settled
    JOIN sync_change AS c
        ON c.run_id = %(run_id)s AND c.destination_id = %(destination_id)s AND c.page = settled.page
    JOIN audience AS a USING (audience_id)
    LEFT JOIN excepted AS e ON e.page = c.page AND e.contact = c.contact AND e.part = c.part
),
-- As a rule most changes are additions without a remark: they are not read again for everything that may be to do.
rare AS MATERIALIZED (
    SELECT * FROM change AS c
    WHERE c.effect = 'lose' OR c.op IN ('reasserted', 'trait_changed') OR c.is_false OR c.event OR c.outcome = 'unknown'
),
gained AS (
    INSERT INTO synced_member (
        destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id, email, value
    )
    SELECT %(destination_id)s, c.audience_id, %(run_id)s, %(run_id)s, clock_timestamp(), c.contact, c.user_id, c.email,
        CASE WHEN c.is_trait THEN c.value END
    FROM change AS c
    WHERE c.accepted AND c.effect = 'gain'
),
lost AS (
    DELETE FROM synced_member AS m
    USING rare AS c
    WHERE c.accepted
        AND c.effect = 'lose'
        AND m.destination_id = %(destination_id)s
        AND m.contact = c.contact
        AND m.audience_id = c.audience_id
        AND m.user_id = c.user_id
),
told_again AS (
    UPDATE synced_member AS m
    SET told_run_id = %(run_id)s, email = c.email, value = CASE WHEN c.is_trait THEN c.value END
    FROM rare AS c
    WHERE c.told
        AND c.op IN ('reasserted', 'trait_changed')
        AND m.destination_id = %(destination_id)s
        AND m.contact = c.contact
        AND m.audience_id = c.audience_id
        AND NOT EXISTS (
            SELECT FROM rare AS gone
            WHERE gone.effect = 'lose' AND gone.contact = m.contact AND gone.audience_id = m.audience_id
                AND gone.user_id = m.user_id
        )
),
now_true AS (
    DELETE FROM told_false AS f
    USING change AS c
    WHERE c.told
        AND NOT c.is_false
        AND f.destination_id = %(destination_id)s
        AND f.contact = c.contact
        AND f.audience_id = c.audience_id
),
now_false AS (
    INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id, email)
    SELECT %(destination_id)s, c.audience_id, %(run_id)s, clock_timestamp(), c.contact, c.caller, c.email
    FROM rare AS c
    WHERE c.accepted AND c.lead AND c.is_false
    ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
    SET told_run_id = excluded.told_run_id, told_at = excluded.told_at, user_id = excluded.user_id
),
certain AS (
    DELETE FROM uncertain AS u
    USING change AS c
    WHERE c.told
        AND u.destination_id = %(destination_id)s
        AND u.contact = c.contact
        AND u.audience_id = c.audience_id
),
remembered AS (
    INSERT INTO synced_profile AS p (destination_id, contact, email, traits)
    SELECT %(destination_id)s, c.contact, min(c.email), coalesce(min(c.traits::text)::jsonb, '{}')
    FROM change AS c
    JOIN run_destination AS d
        ON d.run_id = %(run_id)s AND d.destination_id = %(destination_id)s AND d.keeps_profiles
    WHERE c.told
    GROUP BY c.contact
    ORDER BY c.contact -- groups settled at once may share contacts here: they wait for one another in this order
    ON CONFLICT (destination_id, contact) DO UPDATE
    SET email = coalesce(excluded.email, p.email), traits = p.traits || excluded.traits
),
owed AS (
    INSERT INTO owed_event (destination_id, run_id, audience_id, contact, user_id, email, value, at)
    SELECT %(destination_id)s, %(run_id)s, c.audience_id, c.contact, c.caller, c.email, NOT c.is_false,
        clock_timestamp()
    FROM rare AS c
    WHERE c.accepted
        AND c.lead
        AND c.event
        AND c.is_false = EXISTS (
            SELECT FROM synced_member AS before
            WHERE before.destination_id = %(destination_id)s AND before.contact = c.contact
                AND before.audience_id = c.audience_id
        )
    ORDER BY c.page, c.contact, c.audience_id
),
not_certain AS (
    INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
    SELECT %(destination_id)s, c.audience_id, %(run_id)s, c.contact, c.caller, c.email
    FROM rare AS c
    WHERE c.outcome = 'unknown' AND c.lead
    ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
    SET user_id = excluded.user_id
)
SELECT count(*) AS pages FROM settled
