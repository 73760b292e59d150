-- Purpose: finds, for every user whom a false to an old contact names, or who was told false before and is back where
-- no call of this plan names them, one contact where they are in the audience by now: the call to it tells their
-- profile the present value, because the destination keys by user id as well. Once a user, whatever number of contacts
-- they left or are at. The call has to name them: a contact whose call does so anyway is taken first. A user id that
-- more contacts than a limit have, once this plan is told, is no identity: it is listed as skipped and not followed.
-- What is only told before it expires has no say in any of this: it may as well be told by the next run.
-- Parameters: destination_id; reach_contacts, rollout (the destination's reach); max_contacts.
-- Rows: none; fills moved_user, and member_delta with skip.
WITH named AS (
    SELECT caller.user_id, contact_change.audience_id, false AS returns
    FROM contact_change
    JOIN caller ON caller.contact = contact_change.contact
    WHERE NOT contact_change.value AND contact_change.waits IS NULL
    UNION
    SELECT back.user_id, back.audience_id, true
    FROM (
        SELECT user_told_false.user_id, user_told_false.audience_id
        FROM user_told_false
        JOIN plan_audience USING (audience_id)
        WHERE user_told_false.destination_id = %(destination_id)s
            AND user_told_false.is_back
            AND NOT plan_audience.resting
        UNION
        SELECT user_told_false.user_id, user_told_false.audience_id
        FROM member_delta AS came
        JOIN user_told_false
            ON user_told_false.destination_id = %(destination_id)s
            AND user_told_false.user_id = came.user_id
            AND user_told_false.audience_id = came.audience_id
        WHERE came.kind = 'gain'
    ) AS back
    WHERE NOT EXISTS (
            SELECT FROM contact_change
            JOIN caller ON caller.contact = contact_change.contact
            WHERE caller.user_id = back.user_id
                AND contact_change.audience_id = back.audience_id
                AND contact_change.value
                AND contact_change.op NOT IN ('covered', 'refreshed')
                AND contact_change.waits IS NULL
        )
),
gone AS MATERIALIZED (
    SELECT named.user_id, named.audience_id, bool_and(named.returns) AS returns
    FROM named
    GROUP BY named.user_id, named.audience_id
),
-- What stays of their rows, read once for all that is asked of them. Their audiences are arrays, because to join this
-- with them again the planner would sort both.
row_of_user AS MATERIALIZED (
    SELECT
        person.user_id,
        synced_member.audience_id,
        synced_member.contact,
        synced_member.value,
        synced_member.audience_id = ANY (person.audience_ids) AS is_gone,
        coalesce(synced_member.audience_id = ANY (person.returning_to), false) AS returns
    FROM (
        SELECT
            gone.user_id,
            array_agg(gone.audience_id) AS audience_ids,
            array_agg(gone.audience_id) FILTER (WHERE gone.returns) AS returning_to
        FROM gone
        GROUP BY gone.user_id
    ) AS person
    JOIN synced_member ON synced_member.user_id = person.user_id
    WHERE synced_member.destination_id = %(destination_id)s
        AND NOT is_token(synced_member.contact)
        AND NOT EXISTS (
            SELECT FROM member_delta AS lost
            WHERE lost.kind = 'lose'
                AND NOT lost.still_named
                AND lost.contact = synced_member.contact
                AND lost.audience_id = synced_member.audience_id
                AND lost.user_id = synced_member.user_id
        )
),
contact_of_user AS MATERIALIZED (
    SELECT row_of_user.user_id, row_of_user.contact
    FROM row_of_user
    UNION
    SELECT gone.user_id, member_delta.contact
    FROM gone
    JOIN member_delta ON member_delta.user_id = gone.user_id AND member_delta.kind = 'gain'
),
shared AS MATERIALIZED (
    SELECT contact_of_user.user_id
    FROM contact_of_user
    GROUP BY contact_of_user.user_id
    HAVING count(*) > %(max_contacts)s
),
listed AS (
    INSERT INTO member_delta (kind, user_id, reason)
    SELECT 'skip', shared.user_id, 'shared_user_id'
    FROM shared
),
present AS MATERIALIZED (
    SELECT gone.user_id, gone.audience_id, gone.returns, came.contact, came.value
    FROM gone
    JOIN member_delta AS came ON came.user_id = gone.user_id AND came.audience_id = gone.audience_id
    WHERE came.kind = 'gain' AND gone.user_id NOT IN (SELECT shared.user_id FROM shared)
    UNION ALL
    SELECT stays.user_id, stays.audience_id, stays.returns, stays.contact, stays.value
    FROM row_of_user AS stays
    WHERE stays.is_gone
        AND stays.user_id NOT IN (SELECT shared.user_id FROM shared)
        AND is_in_reach(stays.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
),
known AS (
    SELECT
        present.user_id,
        present.audience_id,
        present.returns,
        present.contact,
        present.value,
        coalesce(
            caller.user_id,
            (
                SELECT min(synced_member.user_id)
                FROM synced_member
                WHERE synced_member.destination_id = %(destination_id)s AND synced_member.contact = present.contact
            ),
            present.user_id
        ) = present.user_id AS names_them,
        coalesce(pending.goes, false) AS goes,
        coalesce(pending.refused, false) OR own.waits IS NOT NULL AS waits
    FROM present
    LEFT JOIN caller ON caller.contact = present.contact
    LEFT JOIN contact_change AS own ON own.contact = present.contact AND own.audience_id = present.audience_id
    LEFT JOIN (
        SELECT
            contact_change.contact,
            bool_or(contact_change.op NOT IN ('covered', 'refreshed') AND contact_change.waits IS NULL) AS goes,
            bool_or(contact_change.waits = 'refused') AS refused
        FROM contact_change
        WHERE contact_change.contact IN (SELECT present.contact FROM present)
        GROUP BY contact_change.contact
    ) AS pending ON pending.contact = present.contact
    WHERE own.value IS DISTINCT FROM false
)
INSERT INTO moved_user (user_id, audience_id, returns, follower, value, fit)
SELECT DISTINCT ON (judged.user_id, judged.audience_id)
    judged.user_id,
    judged.audience_id,
    judged.returns,
    judged.contact,
    judged.value,
    judged.fit
FROM (
    SELECT
        known.*,
        CASE
            WHEN known.waits THEN 4
            WHEN known.names_them AND known.goes THEN 0
            WHEN known.names_them THEN 1
            WHEN NOT known.goes THEN 2
            ELSE 3
        END AS fit
    FROM known
) AS judged
ORDER BY judged.user_id, judged.audience_id, judged.fit, judged.contact, judged.value::text
