-- Values beside true and false, and contacts that are user ids: computed traits, special traits that go along with a
-- call, emails that change, and events about what was accepted.

-- A computed trait is told a value instead of true. Its type is fixed when it is first sent.
ALTER TABLE audience ADD COLUMN is_trait boolean NOT NULL DEFAULT false;
ALTER TABLE audience ADD COLUMN value_type text CHECK (value_type IN ('text', 'number', 'boolean', 'timestamp'));

-- Null for an audience: true.
ALTER TABLE synced_member ADD COLUMN value jsonb;

-- `traits` go along with the call. `event`: once this was accepted, an event is owed.
ALTER TABLE sync_change ADD COLUMN traits jsonb;
ALTER TABLE sync_change ADD COLUMN event boolean NOT NULL DEFAULT false;

-- What a destination last accepted of a contact beside its properties, where a change of that is told by itself.
CREATE TABLE synced_profile (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    traits jsonb NOT NULL,
    PRIMARY KEY (destination_id, contact)
);
ALTER TABLE run_destination ADD COLUMN keeps_profiles boolean NOT NULL DEFAULT false;

-- Events about what was accepted, in the order in which it was. A row goes when its event was accepted; where the
-- receiver does not recognise a repetition, before it is sent. `refusal`: in the receiver's words; never sent again.
CREATE TABLE owed_event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_id integer NOT NULL,
    run_id integer NOT NULL,
    audience_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    value boolean NOT NULL,
    at timestamptz NOT NULL,
    refusal text
);
CREATE INDEX owed_event_in_order ON owed_event (destination_id, event_id) WHERE refusal IS NULL;

-- Contacts that are user ids are also looked for by their email.
CREATE INDEX synced_member_by_email ON synced_member (email) WHERE email IS NOT NULL;

-- The value of a computed trait as the JSON that is sent: numbers without trailing zeros, times in UTC; null for what
-- JSON cannot say (NaN, infinity). A time without a zone is taken as UTC.
CREATE FUNCTION trait_value(value jsonb, value_type text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN value_type = 'number' AND jsonb_typeof(value) = 'number' THEN to_jsonb(trim_scale(value::numeric))
        WHEN value_type = 'number' THEN NULL
        WHEN value_type = 'timestamp' AND lower(value #>> '{}') IN ('infinity', '-infinity') THEN NULL
        WHEN value_type = 'timestamp' THEN to_jsonb(
            to_char((value #>> '{}')::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        )
        ELSE value
    END;

-- The class of a change in the order of delivery: 1 removals, 2 additions and changed values, 3 everything else.
CREATE FUNCTION urgency_of(op change_op, initial boolean, retired boolean) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN op = 'removed' AND NOT retired THEN 1
        WHEN op = 'trait_changed' OR (op = 'added' AND NOT initial) THEN 2
        ELSE 3
    END;

-- What was changed since is a difference as well.
CREATE OR REPLACE FUNCTION why_pending(
    destination_id integer, contact text, audience_id integer, op change_op, waits text
)
RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE
        WHEN op = 'covered' THEN 'covered'
        WHEN waits IS NOT NULL THEN waits
        WHEN EXISTS (
            SELECT FROM uncertain AS u
            WHERE u.destination_id = why_pending.destination_id AND u.contact = why_pending.contact
                AND u.audience_id = why_pending.audience_id
        ) THEN 'uncertain'
        WHEN EXISTS (
            SELECT FROM refused_contact AS r
            WHERE r.destination_id = why_pending.destination_id AND r.contact = why_pending.contact
        ) THEN 'refused'
        WHEN EXISTS (
            SELECT FROM held_change AS h
            WHERE h.destination_id = why_pending.destination_id AND h.contact = why_pending.contact
                AND h.audience_id = why_pending.audience_id AND h.op = why_pending.op
        ) THEN 'held'
        WHEN op = 'added' THEN 'missing'
        WHEN op = 'removed' THEN 'lingering'
        WHEN op = 'trait_changed' THEN 'outdated'
        ELSE 'again'
    END;

CREATE OR REPLACE VIEW audience_membership_history AS
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    interval.contact,
    interval.user_id,
    coalesce(interval.email, interval.contact) AS email,
    interval.entered_at,
    interval.exited_at,
    interval.entered_run_id,
    interval.exited_run_id
FROM (
    SELECT destination_id, audience_id, contact, user_id, email, entered_at, NULL::timestamptz AS exited_at,
        entered_run_id, NULL::integer AS exited_run_id
    FROM synced_member
    UNION ALL
    SELECT c.destination_id, c.audience_id, c.contact, c.user_id, c.email, c.entered_at, p.settled_at,
        c.entered_run_id, c.run_id
    FROM sync_change AS c
    JOIN sync_page AS p USING (run_id, destination_id, page)
    WHERE c.effect = 'lose'
        AND p.status = 'done'
        AND NOT EXISTS (
            SELECT FROM sync_exception AS e
            WHERE e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
                AND e.contact = c.contact AND e.part = c.part
        )
) AS interval
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
WHERE NOT audience.is_trait;
