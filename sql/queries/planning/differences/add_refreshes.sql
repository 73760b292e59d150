-- Purpose: adds the memberships that it is time to tell once more, before they expire at the destination. The run that
-- told one last says when that was. One that left is none of them, also if a row that cannot be sent still names it.
-- What the comparison did not look at has not changed, and so is in the snapshot still: the state is all that is read.
-- Told evenly, a tenth of all memberships would be older than nine tenths of the time that is left to them, two tenths
-- older than eight, and so on, and none older than all of it. As many of the oldest are due as there are too many of
-- any age or older: after a first sync of all, each run's share of the time that went by since. Whatever has got older
-- than that time is due at once. A contact's other memberships go along with the one that is due.
-- Parameters: destination_id; seconds (the time that is left: somewhat less than that after which they expire);
-- reach_contacts, rollout (the destination's reach).
-- Rows: none; fills member_delta with refresh.
INSERT INTO member_delta (kind, audience_id, contact, user_id, email)
WITH member AS NOT MATERIALIZED (
    SELECT
        synced_member.audience_id,
        synced_member.contact,
        synced_member.user_id,
        synced_member.email,
        synced_member.told_run_id
    FROM synced_member
    JOIN plan_audience ON plan_audience.audience_id = synced_member.audience_id
    LEFT JOIN member_delta AS lost
        ON lost.kind = 'lose'
        AND lost.contact = synced_member.contact
        AND lost.audience_id = synced_member.audience_id
        AND lost.user_id = synced_member.user_id
    WHERE synced_member.destination_id = %(destination_id)s
        AND plan_audience.reads
        AND NOT plan_audience.is_trait
        AND NOT plan_audience.contested
        AND lost.contact IS NULL
        AND NOT is_token(synced_member.contact)
        AND is_in_reach(synced_member.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
),
counted AS MATERIALIZED (
    SELECT member.told_run_id, count(*) AS members
    FROM member
    GROUP BY member.told_run_id
),
aged AS MATERIALIZED (
    SELECT
        counted.told_run_id,
        counted.members,
        least(greatest(extract(epoch FROM now() - run.started_at)::float8 / %(seconds)s::float8, 0), 1) AS age
    FROM counted
    JOIN run ON run.run_id = counted.told_run_id
),
summed AS MATERIALIZED (
    SELECT
        aged.told_run_id,
        aged.age,
        aged.members,
        sum(aged.members) OVER (ORDER BY aged.age DESC, aged.told_run_id) AS this_old,
        sum(aged.members) OVER () AS total
    FROM aged
),
due AS MATERIALIZED (
    SELECT floor(max(summed.this_old - summed.total * (1 - summed.age)) + 1e-6)::bigint AS members
    FROM summed
),
oldest AS MATERIALIZED (
    SELECT member.contact
    FROM member
    JOIN summed ON summed.told_run_id = member.told_run_id
    WHERE summed.this_old - summed.members < (SELECT due.members FROM due)
    ORDER BY summed.age DESC, member.told_run_id, hashtextextended(member.contact, 1)
    LIMIT (SELECT due.members FROM due)
)
SELECT 'refresh', member.audience_id, member.contact, member.user_id, member.email
FROM member
WHERE member.contact IN (SELECT oldest.contact FROM oldest)
