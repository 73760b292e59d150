-- Control over what is sent: refusals with backoff, contacts without an answer, approvals, full resyncs, retired
-- audiences, pauses, and people who are to be forgotten.

-- A port may change without the account being another one.
UPDATE destination SET account = account || jsonb_build_object('endpoint', regexp_replace(account ->> 'endpoint', ':[0-9]+$', ''));

-- The session that holds the lock, and when its process last said that it goes on: see syncer/leadership.py.
ALTER TABLE leader ADD COLUMN backend_pid integer NOT NULL DEFAULT 0;
ALTER TABLE leader ADD COLUMN renewed_at timestamptz NOT NULL DEFAULT now();

-- Rows of the warehouse of an audience that is retired are ignored, and its property is nobody else's.
ALTER TABLE audience ADD COLUMN retired_at timestamptz;

-- `alone`: the identify was the only one in its request.
ALTER TABLE sync_exception ADD COLUMN alone boolean NOT NULL DEFAULT false;

-- `fingerprint` is of what was refused: a contact with other data is tried at once. `next_try_run_id`: the first run
-- that tries again; null: parked.
ALTER TABLE refused_contact ADD COLUMN fingerprint text NOT NULL DEFAULT '';
UPDATE refused_contact SET next_try_run_id = 0;

-- Contacts whose last call had no answer: in so many runs in a row (`runs`), in so many of them alone in its request.
CREATE TABLE unanswered_contact (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    runs integer NOT NULL,
    alone integer NOT NULL,
    PRIMARY KEY (destination_id, contact)
);

-- What the guard holds stands here until it is approved and accepted, or is no longer wanted. The last run that held
-- it is not written to every row: `run_count.held` knows which runs held something.
DROP VIEW held_changes;
ALTER TABLE held_change DROP COLUMN last_run_id;
ALTER TABLE held_change ADD COLUMN approved_at timestamptz;

-- What was told before this run is due again, until it is accepted. `audience_id` null: every audience.
CREATE TABLE resync (
    destination_id integer NOT NULL,
    audience_id integer,
    before_run_id integer NOT NULL REFERENCES run,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX resync_once ON resync (destination_id, coalesce(audience_id, 0));

-- A null stands for all: (null, null) pauses everything.
CREATE TABLE pause (
    destination_id integer,
    audience_id integer,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX pause_once ON pause (coalesce(destination_id, 0), coalesce(audience_id, 0));

-- People who are to be forgotten, while the warehouse still has them: keyed hashes of their contacts and user ids.
ALTER TABLE installation ADD COLUMN forget_key uuid NOT NULL DEFAULT gen_random_uuid();
CREATE TABLE forgotten (
    hash text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The reach of which the initial sync has ended: who comes within reach later begins with an initial sync of his own.
ALTER TABLE initial_sync ADD COLUMN listed text[];
ALTER TABLE initial_sync ADD COLUMN share float8;
ALTER TABLE run_destination ADD COLUMN listed text[];
ALTER TABLE run_destination ADD COLUMN share float8;

-- `reads`: the snapshot was asked about this audience, and something named it. `held_add`: of those held, additions.
ALTER TABLE run_count ADD COLUMN reads boolean NOT NULL DEFAULT true;
ALTER TABLE run_count ADD COLUMN held_add bigint NOT NULL DEFAULT 0;

-- History that was dropped, net of what left: so many members had entered and not left, per audience.
CREATE TABLE dropped_history (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    members bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);

-- A contact or user id that stands for somebody who was forgotten: no address has a blank inside.
CREATE FUNCTION is_token(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN starts_with(name, 'forgotten ');

-- A keyed hash of a contact or user id.
CREATE FUNCTION forget_hash(forget_key uuid, name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(sha256(uuid_send(forget_key) || convert_to(name, 'UTF8')), 'hex');

-- Whether a destination is about a contact: all of them, or those listed and a share (0 to 1) of all, chosen by a hash
-- so that a larger share contains the smaller. Fixed for good.
CREATE FUNCTION is_in_reach(contact text, listed text[], share float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN listed IS NULL AND share IS NULL THEN true
        ELSE contact = ANY (coalesce(listed, '{}'))
            OR ('x' || left(md5(contact), 8))::bit(32)::bigint < coalesce(share, 0) * 4294967296
    END;

-- Why a planned change is pending: missing and lingering are differences of state and warehouse; the rest has a reason.
CREATE FUNCTION why_pending(destination_id integer, contact text, audience_id integer, op change_op, waits text)
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
        ELSE 'again'
    END;

CREATE OR REPLACE VIEW refused_contacts AS
SELECT destination.name AS destination, r.contact, r.user_id, coalesce(r.email, r.contact) AS email, r.reason,
    r.http_status, r.since, r.since_run_id, r.tries, r.next_try_run_id
FROM refused_contact AS r
JOIN destination USING (destination_id);
COMMENT ON COLUMN refused_contacts.tries IS 'How often it was tried with the same data';
COMMENT ON COLUMN refused_contacts.next_try_run_id IS 'The first run that tries again; null: parked, until its data changes or somebody says syncer retry';

CREATE VIEW held_changes AS
SELECT destination.name AS destination, audience.name AS audience, audience.property, h.contact, h.user_id,
    coalesce(h.email, h.contact) AS email, h.op::text AS op, h.reason, h.since, h.since_run_id,
    (SELECT max(c.run_id) FROM run_count AS c
        WHERE c.destination_id = h.destination_id AND c.audience_id = h.audience_id AND c.held > 0) AS last_run_id,
    NULL::integer AS tries, NULL::integer AS next_try_run_id, h.approved_at
FROM held_change AS h
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW held_changes IS 'Changes that the guard holds, until syncer approve';
COMMENT ON COLUMN held_changes.last_run_id IS 'The last run that held something of this audience there';
COMMENT ON COLUMN held_changes.approved_at IS 'Approved: it goes out with the next run';

-- `per_audience`: every audience of a contact has a call of its own.
ALTER TABLE run_destination ADD COLUMN per_audience boolean NOT NULL DEFAULT false;

-- The messageId of an identify: never of page, position or attempt; 47 characters. `audience` is null where a call
-- carries all of a contact's changes.
CREATE FUNCTION message_id(
    installation_id uuid, nonce uuid, destination text, contact text, part smallint, audience text
) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'syncer-' || left(encode(sha256(convert_to(
        concat_ws(chr(31), installation_id, nonce, destination, contact, part, audience), 'UTF8')), 'hex'), 40);

CREATE OR REPLACE VIEW sync_changelog AS
SELECT
    c.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    c.contact,
    c.user_id,
    coalesce(c.email, c.contact) AS email,
    c.op::text AS op,
    c.value,
    CASE
        WHEN e.outcome IS NOT NULL THEN e.outcome::text
        WHEN p.status = 'done' THEN 'succeeded'
        WHEN p.status = 'aborted' THEN 'aborted'
        ELSE 'planned'
    END AS status,
    e.reason AS failure_reason,
    e.http_status,
    CASE WHEN c.op <> 'covered' THEN
        message_id(
            installation.installation_id, run.nonce, destination.name, c.contact, c.part,
            CASE WHEN d.per_audience THEN audience.property END
        )
    END AS message_id,
    CASE
        WHEN c.op <> 'covered' AND e.outcome IS DISTINCT FROM 'aborted' THEN coalesce(e.attempted_at, p.attempted_at)
    END AS attempted_at
FROM sync_change AS c
JOIN sync_page AS p USING (run_id, destination_id, page)
JOIN run USING (run_id)
JOIN run_destination AS d USING (run_id, destination_id)
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
CROSS JOIN installation
LEFT JOIN sync_exception AS e
    ON e.run_id = c.run_id AND e.destination_id = c.destination_id AND e.page = c.page
    AND e.contact = c.contact AND e.part = c.part
UNION ALL
SELECT h.since_run_id, destination.name, audience.name, audience.property, h.contact, h.user_id,
    coalesce(h.email, h.contact), h.op::text, to_jsonb(h.op = 'added'), 'held', h.reason, NULL, NULL, NULL
FROM held_change AS h
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON COLUMN sync_changelog.status IS 'planned, succeeded, failed, unknown, aborted; held: the guard still holds it, since that run';

DROP FUNCTION message_id(uuid, uuid, text, text, smallint);
