-- Purpose: what a destination accepted becomes known, in the same transaction as its history. Moves pages from
-- sending to done; synced_member gains and loses exactly what their rows say, exceptions aside; what was accepted is
-- certain, what has no answer is uncertain. Where the destination is told of events, one is owed if the accepted value
-- is another than the state's. What decides is worked out once, as booleans: the planner takes a condition on what it
-- has no statistics of for one row in two hundred, and looks rows up one by one. For the same reason it takes the
-- changes of a group for one: NOT IN has them in a hash, where NOT EXISTS would read all of them for each of them. No
-- column of theirs is null. Who was told false before is looked up change by change, by the index: their tables grow
-- within a run, and while the planner takes them for small it would read all of them for each change. `is_false`: the
-- value is false, or the null of a computed trait.
-- Parameters: run_id, destination_id; pages, requests, retries (parallel arrays); exception_pages, contacts, parts,
-- outcomes, reasons, http_statuses, alones (parallel arrays: the identifies that ended otherwise than succeeded).
-- Rows: one: pages, the number that were moved; the caller rolls back if it is not the number that it named.
WITH settled AS (
    UPDATE sync_page
    SET status = 'done', settled_at = clock_timestamp(), requests = given.requests, retries = given.retries
    FROM unnest(%(pages)s::integer[], %(requests)s::integer[], %(retries)s::integer[])
        AS given (page, requests, retries)
    WHERE sync_page.run_id = %(run_id)s
        AND sync_page.destination_id = %(destination_id)s
        AND sync_page.page = given.page
        AND sync_page.status = 'sending'
    RETURNING sync_page.page
),
excepted AS (
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status, alone)
    SELECT
        %(run_id)s,
        %(destination_id)s,
        given.page,
        given.contact,
        given.part,
        given.outcome,
        given.reason,
        given.http_status,
        given.alone
    FROM unnest(
        %(exception_pages)s::integer[], %(contacts)s::text[], %(parts)s::integer[],
        %(outcomes)s::identify_outcome[], %(reasons)s::text[], %(http_statuses)s::integer[],
        %(alones)s::boolean[]
    ) AS given (page, contact, part, outcome, reason, http_status, alone)
    RETURNING page, contact, part, outcome
),
change AS MATERIALIZED (
    SELECT
        sync_change.page,
        sync_change.part,
        sync_change.audience_id,
        sync_change.op,
        sync_change.effect,
        sync_change.lead,
        sync_change.contact,
        sync_change.user_id,
        coalesce(sync_change.told_as, sync_change.user_id) AS caller,
        sync_change.email,
        sync_change.value,
        sync_change.traits,
        sync_change.event,
        audience.is_trait,
        sync_change.value = CASE WHEN audience.is_trait THEN 'null'::jsonb ELSE 'false'::jsonb END AS is_false,
        excepted.outcome,
        excepted.outcome IS NULL AS accepted,
        excepted.outcome IS NULL AND sync_change.lead AND sync_change.op <> 'covered' AS told
    FROM settled
    CROSS JOIN LATERAL (
        SELECT *
        FROM sync_change
        WHERE sync_change.run_id = %(run_id)s
            AND sync_change.destination_id = %(destination_id)s
            AND sync_change.page = settled.page
        OFFSET 0 -- page by page: of a run that was just written, all changes would be read for every group
    ) AS sync_change
    JOIN audience USING (audience_id)
    LEFT JOIN excepted
        ON excepted.page = sync_change.page
        AND excepted.contact = sync_change.contact
        AND excepted.part = sync_change.part
),
-- As a rule most changes are additions without a remark: they are not read again for everything that may be to do.
rare AS MATERIALIZED (
    SELECT *
    FROM change
    WHERE effect = 'lose'
        OR op IN ('reasserted', 'trait_changed', 'refreshed')
        OR is_false
        OR event
        OR outcome = 'unknown'
),
gained AS (
    INSERT INTO synced_member (
        destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id, email, value
    )
    SELECT
        %(destination_id)s,
        audience_id,
        %(run_id)s,
        CASE
            WHEN op = 'covered' THEN ( -- no call: the contact was told when it was told last
                SELECT min(told.told_run_id)
                FROM synced_member AS told
                WHERE told.destination_id = %(destination_id)s
                    AND told.contact = change.contact
                    AND told.audience_id = change.audience_id
            )
            ELSE %(run_id)s
        END,
        clock_timestamp(),
        contact,
        user_id,
        email,
        CASE WHEN is_trait THEN value END
    FROM change
    WHERE accepted AND effect = 'gain'
),
lost AS (
    DELETE FROM synced_member
    USING rare
    WHERE rare.accepted
        AND rare.effect = 'lose'
        AND synced_member.destination_id = %(destination_id)s
        AND synced_member.contact = rare.contact
        AND synced_member.audience_id = rare.audience_id
        AND synced_member.user_id = rare.user_id
),
told_again AS (
    UPDATE synced_member
    SET told_run_id = %(run_id)s, email = rare.email, value = CASE WHEN rare.is_trait THEN rare.value END
    FROM rare
    WHERE rare.told
        AND rare.op IN ('reasserted', 'trait_changed', 'refreshed')
        AND synced_member.destination_id = %(destination_id)s
        AND synced_member.contact = rare.contact
        AND synced_member.audience_id = rare.audience_id
        AND (synced_member.contact, synced_member.audience_id, synced_member.user_id) NOT IN (
            SELECT gone.contact, gone.audience_id, gone.user_id
            FROM rare AS gone
            WHERE gone.effect = 'lose'
        )
),
now_true AS (
    DELETE FROM told_false
    WHERE told_false.destination_id + 0 = %(destination_id)s -- not by an index: all of the destination's would be read
        AND told_false.ctid = ANY (
            ARRAY(
                SELECT known.place
                FROM change
                CROSS JOIN LATERAL (
                    SELECT known.ctid AS place
                    FROM told_false AS known
                    WHERE known.destination_id = %(destination_id)s
                        AND known.contact = change.contact
                        AND known.audience_id = change.audience_id
                    OFFSET 0
                ) AS known
                WHERE EXISTS ( -- asked once: in a first sync nothing is looked for
                        SELECT FROM told_false AS any_row WHERE any_row.destination_id = %(destination_id)s
                    )
                    AND change.told
                    AND NOT change.is_false
            )
        )
),
now_false AS (
    INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id, email)
    SELECT %(destination_id)s, audience_id, %(run_id)s, clock_timestamp(), contact, caller, email
    FROM rare
    WHERE accepted AND lead AND is_false
    ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
    SET told_run_id = excluded.told_run_id, told_at = excluded.told_at, user_id = excluded.user_id
),
-- A call names a user who is at the contact, but perhaps not in this audience: such a call comes in no order with a
-- false that names them, so it settles nothing.
user_now_true AS (
    DELETE FROM user_told_false
    WHERE user_told_false.ctid = ANY (
        ARRAY(
            SELECT known.place
            FROM change
            CROSS JOIN LATERAL (
                SELECT known.ctid AS place
                FROM user_told_false AS known
                WHERE known.destination_id = %(destination_id)s
                    AND known.user_id = change.caller
                    AND known.audience_id = change.audience_id
                OFFSET 0
            ) AS known
            WHERE EXISTS (SELECT FROM user_told_false AS any_row) -- asked once: without any, nothing is looked for
                AND change.told
                AND NOT change.is_false
                AND (
                    (change.contact, change.audience_id, change.caller) IN (
                        SELECT came.contact, came.audience_id, came.user_id
                        FROM change AS came
                        WHERE came.effect = 'gain'
                    )
                    OR (
                        (change.contact, change.audience_id, change.caller) NOT IN (
                            SELECT gone.contact, gone.audience_id, gone.user_id
                            FROM rare AS gone
                            WHERE gone.effect = 'lose'
                        )
                        AND EXISTS (
                            SELECT FROM synced_member AS stays
                            WHERE stays.destination_id = %(destination_id)s
                                AND stays.contact = change.contact
                                AND stays.audience_id = change.audience_id
                                AND stays.user_id = change.caller
                        )
                    )
                )
                -- told both at once: a user id that so many contacts share that it is not followed
                AND (change.caller, change.audience_id) NOT IN (
                    SELECT gone.caller, gone.audience_id
                    FROM rare AS gone
                    WHERE gone.lead AND gone.is_false
                )
        )
    )
),
user_now_false AS (
    INSERT INTO user_told_false (destination_id, audience_id, user_id)
    SELECT DISTINCT %(destination_id)s, rare.audience_id, rare.caller
    FROM rare
    WHERE (
            SELECT run_destination.keys_users
            FROM run_destination
            WHERE run_destination.run_id = %(run_id)s AND run_destination.destination_id = %(destination_id)s
        )
        AND (rare.accepted OR rare.outcome = 'unknown')
        AND rare.lead
        AND rare.is_false
    ORDER BY rare.caller, rare.audience_id -- groups settled at once may share users: they wait for one another in order
    ON CONFLICT (destination_id, user_id, audience_id) DO UPDATE SET is_back = false
),
certain AS (
    DELETE FROM uncertain
    USING change
    WHERE change.told
        AND uncertain.destination_id = %(destination_id)s
        AND uncertain.contact = change.contact
        AND uncertain.audience_id = change.audience_id
),
remembered AS (
    INSERT INTO synced_profile (destination_id, contact, email, traits)
    SELECT %(destination_id)s, change.contact, min(change.email), coalesce(min(change.traits::text)::jsonb, '{}')
    FROM change
    WHERE (
            SELECT run_destination.keeps_profiles
            FROM run_destination
            WHERE run_destination.run_id = %(run_id)s AND run_destination.destination_id = %(destination_id)s
        )
        AND change.told
    GROUP BY change.contact
    ORDER BY change.contact -- groups settled at once may share contacts here: they wait for one another in this order
    ON CONFLICT (destination_id, contact) DO UPDATE
    SET email = coalesce(excluded.email, synced_profile.email), traits = synced_profile.traits || excluded.traits
),
owed AS (
    INSERT INTO owed_event (destination_id, run_id, audience_id, contact, user_id, email, value, at)
    SELECT
        %(destination_id)s,
        %(run_id)s,
        rare.audience_id,
        rare.contact,
        rare.caller,
        rare.email,
        NOT rare.is_false,
        clock_timestamp()
    FROM rare
    WHERE rare.accepted
        AND rare.lead
        AND rare.event
        AND rare.is_false = EXISTS (
            SELECT FROM synced_member AS before
            WHERE before.destination_id = %(destination_id)s
                AND before.contact = rare.contact
                AND before.audience_id = rare.audience_id
        )
    ORDER BY rare.page, rare.contact, rare.audience_id
),
not_certain AS (
    INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id, email)
    SELECT %(destination_id)s, audience_id, %(run_id)s, contact, caller, email
    FROM rare
    WHERE outcome = 'unknown' AND lead
    ON CONFLICT (destination_id, contact, audience_id) DO UPDATE
    SET user_id = excluded.user_id, left_because = NULL
)
SELECT count(*) AS pages
FROM settled
