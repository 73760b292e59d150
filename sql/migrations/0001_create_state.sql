-- The state of syncer: what each destination accepted, what is uncertain, and the plan of every run, which is its
-- history. All text is compared bytewise (COLLATE "C"): the same order and equality on every server.
--
--   1. the installation, and who leads     4. runs, their plan and its history     7. views: the history for
--   2. audiences and destinations          5. what stands from run to run             people's own SQL
--   3. what each destination accepted      6. functions


-- 1. The installation, and who leads

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation_id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    forget_key uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO installation DEFAULT VALUES;

-- Who syncs now, or did last. The advisory lock decides; this row says whom to ask, and its token fences off a
-- process that lost the lock without noticing. `backend_pid` is the session that holds the lock; `renewed_at` is when
-- its process last said that it goes on. A daemon leads all its life, a command for one run.
CREATE TABLE leader (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    since timestamptz NOT NULL,
    backend_pid integer NOT NULL DEFAULT 0,
    renewed_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL DEFAULT 'command' CHECK (kind IN ('daemon', 'command'))
);

-- When the leading daemon wants to run next; it outlives the daemon.
CREATE TABLE schedule (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_due_at timestamptz NOT NULL
);

-- What commands ask the leading daemon to do. A row goes from asked to begun (`run_id`) to ended; `problems` are what
-- kept it from being begun. kind `yield`: the daemon lets go of the lock for a moment.
CREATE TABLE request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sync', 'resync', 'yield')),
    audiences text[] NOT NULL,
    destinations text[] NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_at timestamptz,
    run_id integer,
    ended_at timestamptz,
    exit_code integer,
    problems jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX request_open ON request (request_id) WHERE ended_at IS NULL;

CREATE TABLE operator_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    arguments jsonb NOT NULL,
    run_id integer
);

-- What is wrong and was alerted: a row goes when it is right again. It names destinations and audiences, and no person.
CREATE TABLE alert (
    kind text NOT NULL CHECK (kind IN ('failed', 'refused', 'held', 'incomplete', 'late')),
    subject text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, subject)
);


-- 2. Audiences and destinations

-- Name and property may be taken over within one transaction (renames), hence deferrable. Rows of the warehouse of an
-- audience that is retired are ignored, and no other audience gets its property. A computed trait (`is_trait`) has a
-- value instead of true; its type is fixed when it is first sent.
CREATE TABLE audience (
    audience_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    property text COLLATE "C" NOT NULL,
    pinned_run_id integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    is_trait boolean NOT NULL DEFAULT false,
    value_type text CHECK (value_type IN ('text', 'number', 'boolean', 'timestamp')),
    CONSTRAINT audience_name_taken UNIQUE (name) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT audience_property_taken UNIQUE (property) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE destination (
    destination_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    account jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);


-- 3. What each destination accepted

-- A row: the initial sync of this audience at this destination has ended, in that run, for the reach that the
-- destination had. Contacts that come within reach later begin with an initial sync of their own.
CREATE TABLE initial_sync (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    ended_run_id integer NOT NULL,
    reach_contacts text[],
    rollout float8,
    PRIMARY KEY (destination_id, audience_id)
);

-- Every membership that the destination accepted and was not told otherwise since. `email` is null where the contact
-- is the email, `value` where it is true, as for every audience.
CREATE TABLE synced_member (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    entered_run_id integer NOT NULL,
    told_run_id integer NOT NULL,
    entered_at timestamptz NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    value jsonb,
    PRIMARY KEY (destination_id, contact, audience_id, user_id)
) PARTITION BY LIST (destination_id);
-- With the audience, so that a user's rows are also counted by this index before the table was ever analyzed.
CREATE INDEX synced_member_by_user ON synced_member (user_id, audience_id);
-- Contacts that are user ids are also looked for by their email.
CREATE INDEX synced_member_by_email ON synced_member (email) WHERE email IS NOT NULL;

-- Contacts that were once told true and whose last accepted value is false.
CREATE TABLE told_false (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    told_run_id integer NOT NULL,
    told_at timestamptz NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    PRIMARY KEY (destination_id, contact, audience_id)
) PARTITION BY LIST (destination_id);

-- Properties whose last call has no answer, whether or not `synced_member` has a row. `user_id` is the user that
-- the unanswered call named.
CREATE TABLE uncertain (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    since_run_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    PRIMARY KEY (destination_id, contact, audience_id)
);

-- What a destination last accepted of a contact beside its properties, where a change of that is sent by itself.
CREATE TABLE synced_profile (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    traits jsonb NOT NULL,
    PRIMARY KEY (destination_id, contact)
);

-- How many different contacts and, by audience, different users a destination has in `synced_member` (people who were
-- forgotten aside), so that a plan need not count the snapshot. No row: not counted. Exact between runs.
CREATE TABLE contact_count (
    destination_id integer PRIMARY KEY,
    contacts bigint NOT NULL
);
CREATE TABLE user_count (
    destination_id integer NOT NULL REFERENCES contact_count ON DELETE CASCADE,
    audience_id integer NOT NULL,
    users bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);

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


-- 4. Runs, their plan and its history

-- `nonce` makes the messageIds of this run its own. `deferred`: identifies that wait for the next run.
CREATE TABLE run (
    run_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trigger text NOT NULL CHECK (trigger IN ('manual', 'schedule', 'resync', 'request')),
    phase text NOT NULL DEFAULT 'reading' CHECK (phase IN ('reading', 'planned', 'closed')),
    status text CHECK (status IN ('interrupted', 'failed', 'held', 'incomplete', 'succeeded')),
    nonce uuid NOT NULL DEFAULT gen_random_uuid(),
    scheduled_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    snapshot_at timestamptz,
    memberships bigint,
    contacts bigint,
    calls_saved bigint NOT NULL DEFAULT 0,
    deferred bigint NOT NULL DEFAULT 0,
    error text,
    syncer_version text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    CONSTRAINT closed_with_status CHECK ((phase = 'closed') = (status IS NOT NULL))
);
CREATE UNIQUE INDEX one_open_run ON run ((true)) WHERE phase <> 'closed';

-- The audiences of a run, also those set aside (`problem`), in the order in which they are reported.
CREATE TABLE run_audience (
    run_id integer NOT NULL REFERENCES run,
    position integer NOT NULL,
    audience_id integer,
    name text NOT NULL,
    property text,
    members bigint NOT NULL,
    problem text,
    PRIMARY KEY (run_id, position)
);

-- Counts are identifies. `reach_contacts` and `rollout` are the destination's reach. `per_audience`: every audience of a
-- contact has a call of its own. `keeps_profiles`: what is accepted goes to `synced_profile` too. `mirrors`: nothing
-- waits, is skipped, set aside or out of scope, so that once all of the plan is accepted, the destination has the
-- memberships of the snapshot and no others.
CREATE TABLE run_destination (
    run_id integer NOT NULL REFERENCES run,
    destination_id integer NOT NULL,
    status text CHECK (status IN ('interrupted', 'failed', 'held', 'incomplete', 'succeeded')),
    error text,
    planned bigint NOT NULL,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    unknown bigint NOT NULL DEFAULT 0,
    aborted bigint NOT NULL DEFAULT 0,
    requests bigint NOT NULL DEFAULT 0,
    retries bigint NOT NULL DEFAULT 0,
    skipped jsonb NOT NULL DEFAULT '{}',
    reach_contacts text[],
    rollout float8,
    per_audience boolean NOT NULL DEFAULT false,
    keeps_profiles boolean NOT NULL DEFAULT false,
    mirrors boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, destination_id)
);

-- Counts are contacts. `reads`: the snapshot was asked about this audience, and something named it. `held_add` and
-- `deferred_add`: of those held and deferred, additions. Deferred changes wait for the next run, because this one could
-- not tell them before that is due. `fingerprint` is of the snapshot's rows of this audience, where nothing of them
-- differed from the state; null: something did, or they were not added up.
CREATE TABLE run_count (
    run_id integer NOT NULL REFERENCES run,
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    members bigint NOT NULL,
    planned_add bigint NOT NULL,
    planned_remove bigint NOT NULL,
    succeeded_add bigint NOT NULL DEFAULT 0,
    succeeded_remove bigint NOT NULL DEFAULT 0,
    failed_add bigint NOT NULL DEFAULT 0,
    failed_remove bigint NOT NULL DEFAULT 0,
    unknown bigint NOT NULL DEFAULT 0,
    aborted bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    initial boolean NOT NULL,
    reads boolean NOT NULL DEFAULT true,
    held_add bigint NOT NULL DEFAULT 0,
    deferred bigint NOT NULL DEFAULT 0,
    deferred_add bigint NOT NULL DEFAULT 0,
    fingerprint text,
    PRIMARY KEY (run_id, destination_id, audience_id)
);

CREATE TYPE change_op AS ENUM ('added', 'removed', 'reasserted', 'trait_changed', 'covered');
CREATE TYPE row_effect AS ENUM ('gain', 'lose', 'none');
CREATE TYPE page_status AS ENUM ('planned', 'sending', 'done', 'aborted');
CREATE TYPE identify_outcome AS ENUM ('failed', 'unknown', 'aborted');

-- The plan, written once, which is also the history: a row per membership that enters, leaves or is told again.
-- Of the rows of one contact and audience exactly one is `lead`: it stands for the property that is told.
-- One identify is the lead rows of one contact and part. `told_as` is the user that the call names, if it is not
-- the row's own. `effect` is what acceptance does to `synced_member`. Covered rows are on page 0: no call.
-- `entered_*` remember when a row that is lost had come in. `traits` go along with the call. `event`: once this was
-- accepted, an event is owed. Partitioned by run so that old history is dropped.
CREATE TABLE sync_change (
    run_id integer NOT NULL,
    destination_id integer NOT NULL,
    page integer NOT NULL,
    audience_id integer NOT NULL,
    entered_at timestamptz,
    entered_run_id integer,
    op change_op NOT NULL,
    effect row_effect NOT NULL,
    part smallint NOT NULL,
    lead boolean NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    told_as text COLLATE "C",
    email text COLLATE "C",
    value jsonb NOT NULL,
    traits jsonb,
    event boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (run_id);
CREATE INDEX sync_change_by_page ON sync_change (run_id, destination_id, page);
CREATE INDEX sync_change_by_contact ON sync_change (contact);

-- The only thing that delivery moves: planned → sending → done | aborted. Page 0 holds the covered changes.
-- `urgency`: 1 removals, 2 additions, 3 backfills and reassertions; a page holds one urgency.
CREATE TABLE sync_page (
    run_id integer NOT NULL REFERENCES run,
    destination_id integer NOT NULL,
    page integer NOT NULL,
    urgency smallint NOT NULL,
    status page_status NOT NULL,
    identifies integer NOT NULL,
    requests integer NOT NULL DEFAULT 0,
    retries integer NOT NULL DEFAULT 0,
    attempted_at timestamptz,
    settled_at timestamptz,
    PRIMARY KEY (run_id, destination_id, page)
);
CREATE INDEX sync_page_sending ON sync_page (run_id) WHERE status = 'sending';

-- Identifies of pages that are done which ended otherwise than succeeded. `alone`: the identify was the only one in
-- its request.
CREATE TABLE sync_exception (
    run_id integer NOT NULL REFERENCES run,
    destination_id integer NOT NULL,
    page integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    part smallint NOT NULL,
    outcome identify_outcome NOT NULL,
    reason text NOT NULL,
    http_status integer,
    attempted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    alone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, destination_id, page, contact, part)
);

-- History that was dropped, net of what left: how many members, by audience, had entered and not left.
CREATE TABLE dropped_history (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    members bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);


-- 5. What stands from run to run

-- Contacts whose last identify was refused. `fingerprint` is of what was refused: a contact with other data is tried
-- at once. `next_try_run_id`: the first run that tries again; null: parked.
CREATE TABLE refused_contact (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    reason text NOT NULL,
    http_status integer,
    since timestamptz NOT NULL,
    since_run_id integer NOT NULL,
    tries integer NOT NULL,
    next_try_run_id integer,
    fingerprint text NOT NULL DEFAULT '',
    PRIMARY KEY (destination_id, contact)
);

-- Contacts whose last call had no answer: in how many runs in a row (`runs`), in how many of them alone in its request.
CREATE TABLE unanswered_contact (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    runs integer NOT NULL,
    alone integer NOT NULL,
    PRIMARY KEY (destination_id, contact)
);

-- Rows of the last snapshot that could not be sent. Texts are cut for the list; `fingerprint` is of the whole row.
CREATE TABLE skipped_member (
    destination_id integer NOT NULL,
    fingerprint bytea NOT NULL,
    audience_id integer,
    audience text,
    user_id text,
    email text,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    since_run_id integer NOT NULL,
    PRIMARY KEY (destination_id, fingerprint)
);

-- What the guard holds stands here until it is approved and accepted, or is no longer wanted. The last run that held
-- it is not written to every row: `run_count.held` knows which runs held something.
CREATE TABLE held_change (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    op change_op NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    since_run_id integer NOT NULL,
    approved_at timestamptz,
    PRIMARY KEY (destination_id, audience_id, contact)
);

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
CREATE TABLE forgotten (
    hash text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);


-- 6. Functions

-- Whether a session of this database holds an advisory lock now.
CREATE FUNCTION holds_lock(backend_pid integer, key bigint) RETURNS boolean
    LANGUAGE sql
    RETURN EXISTS (
        SELECT FROM pg_locks AS lock
        JOIN pg_database AS here ON here.oid = lock.database AND here.datname = current_database()
        WHERE lock.pid = backend_pid
            AND lock.locktype = 'advisory'
            AND lock.granted
            AND lock.objsubid = 1
            AND ((lock.classid::bigint << 32) | lock.objid::bigint) = key
    );

-- The contact of an email: without surrounding space, tab, CR, LF and U+00A0, A–Z lower-cased, nothing else changed.
-- Fixed for good: the state is keyed by it.
CREATE FUNCTION contact_of(email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(btrim(email, U&' \0009\000D\000A\00A0') COLLATE "C");

-- Whether a destination is about a contact: about all, or about those named and a fraction (`rollout`, 0 to 1) of all,
-- chosen by a hash so that a larger fraction contains the smaller. Fixed for good.
CREATE FUNCTION is_in_reach(contact text, reach_contacts text[], rollout float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN reach_contacts IS NULL AND rollout IS NULL THEN true
        ELSE contact = ANY (coalesce(reach_contacts, '{}'))
            OR ('x' || left(md5(contact), 8))::bit(32)::bigint < coalesce(rollout, 0) * 4294967296
    END;

-- Why a row of the warehouse cannot be sent, or null if it can.
-- An address is something, one @, something, without blanks and control characters, of at most 254 characters.
CREATE FUNCTION skip_reason(audience text, user_id text, contact text, unsendable boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN unsendable THEN 'unsendable_text'
        WHEN contact IS NULL OR contact = '' THEN 'no_email'
        WHEN length(contact) > 254 OR contact !~ '^[^[:space:][:cntrl:]@]+@[^[:space:][:cntrl:]@]+$' COLLATE "C"
            THEN 'invalid_email'
        WHEN user_id IS NULL OR contact_of(user_id) = '' THEN 'no_user_id'
        WHEN octet_length(user_id) > 512 THEN 'user_id_too_long'
        WHEN audience IS NULL OR contact_of(audience) = '' THEN 'no_audience'
    END;

-- Tells two skipped rows apart, however long their texts are.
CREATE FUNCTION skipped_fingerprint(reason text, audience text, user_id text, email text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to(concat_ws(chr(31), reason, coalesce(audience, chr(30)), coalesce(user_id, chr(30)),
        coalesce(email, chr(30))), 'UTF8'));

-- What a contact was to be sent when it was refused: tries with the same data count together. `properties` are the
-- values by audience.
CREATE FUNCTION refusal_fingerprint(user_id text, email text, traits jsonb, properties jsonb) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN md5(jsonb_build_array(user_id, email, traits, properties)::text);

-- The run that tries a refused contact again: the next one, then after 2, 4, 8 and 16 runs; null: parked.
CREATE FUNCTION next_try(tries integer, run_id integer) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN tries <= 5 THEN run_id + power(2, tries - 1)::integer END;

-- A contact or user id that stands for a person who was forgotten: no address has a blank inside.
CREATE FUNCTION is_token(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN starts_with(name, 'forgotten ');

-- A keyed hash of a contact or user id.
CREATE FUNCTION forget_hash(forget_key uuid, name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(sha256(uuid_send(forget_key) || convert_to(name, 'UTF8')), 'hex');

-- The messageId of an identify: never of page, position or attempt; 47 characters. `audience` is null where a call
-- carries all of a contact's changes.
CREATE FUNCTION message_id(
    installation_id uuid, nonce uuid, destination text, contact text, part smallint, audience text
) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'syncer-' || left(encode(sha256(convert_to(
        concat_ws(chr(31), installation_id, nonce, destination, contact, part, audience), 'UTF8')), 'hex'), 40);

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

-- Why a planned change is pending: missing, lingering and outdated are differences of state and warehouse; the rest has
-- a reason.
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
        WHEN op = 'trait_changed' THEN 'outdated'
        ELSE 'again'
    END;


-- 7. Views

-- Our own: the rows of `sync_change` that became true at the destination.
CREATE VIEW accepted_change AS
SELECT
    change.run_id,
    change.destination_id,
    change.audience_id,
    change.op,
    change.effect,
    change.lead,
    change.contact,
    change.user_id,
    coalesce(change.told_as, change.user_id) AS caller,
    change.email,
    change.value,
    change.entered_run_id,
    change.entered_at,
    page.settled_at
FROM sync_change AS change
JOIN sync_page AS page USING (run_id, destination_id, page)
LEFT JOIN sync_exception AS exception
    ON exception.run_id = change.run_id AND exception.destination_id = change.destination_id
    AND exception.page = change.page AND exception.contact = change.contact AND exception.part = change.part
WHERE page.status = 'done' AND exception.contact IS NULL;
COMMENT ON VIEW accepted_change IS 'The changes that were accepted; syncer''s own, and no part of the contract';

-- All others are the history for people's own SQL: a contract that is widened, never narrowed.

CREATE VIEW sync_runs AS
SELECT
    run_id,
    trigger,
    coalesce(status, 'running') AS status,
    scheduled_at,
    started_at,
    finished_at,
    snapshot_at,
    memberships,
    contacts,
    error,
    syncer_version
FROM run;
COMMENT ON VIEW sync_runs IS 'A row per sync run';
COMMENT ON COLUMN sync_runs.run_id IS 'A growing integer';
COMMENT ON COLUMN sync_runs.trigger IS 'manual, schedule, resync or request';
COMMENT ON COLUMN sync_runs.status IS 'running; or interrupted, failed, held, incomplete, succeeded: the first that applies';
COMMENT ON COLUMN sync_runs.scheduled_at IS 'When the schedule wanted it; null for a run that was asked for';
COMMENT ON COLUMN sync_runs.snapshot_at IS 'The moment of the warehouse that this run read; null until it has';
COMMENT ON COLUMN sync_runs.memberships IS 'Rows in the snapshot, skipped ones included';
COMMENT ON COLUMN sync_runs.contacts IS 'Different email addresses in the snapshot, after trimming and lower-casing';
COMMENT ON COLUMN sync_runs.error IS 'Why it failed, in a sentence';

CREATE VIEW sync_run_destinations AS
SELECT
    d.run_id,
    destination.name AS destination,
    coalesce(d.status, 'running') AS status,
    d.planned,
    d.succeeded,
    d.failed,
    d.unknown,
    d.aborted,
    d.requests,
    d.retries,
    d.skipped,
    d.error
FROM run_destination AS d
JOIN destination USING (destination_id);
COMMENT ON VIEW sync_run_destinations IS 'A row per run and destination; counts are identify calls';
COMMENT ON COLUMN sync_run_destinations.planned IS 'Identifies of this run = succeeded + failed + unknown + aborted once it is closed';
COMMENT ON COLUMN sync_run_destinations.failed IS 'Refused by the destination';
COMMENT ON COLUMN sync_run_destinations.unknown IS 'Sent, and the answer was lost; told again by the next run';
COMMENT ON COLUMN sync_run_destinations.aborted IS 'Planned and never applied; planned afresh by the next run';
COMMENT ON COLUMN sync_run_destinations.requests IS 'HTTP requests, retries included';
COMMENT ON COLUMN sync_run_destinations.skipped IS 'Members that cannot be sent, counted by reason';

CREATE VIEW sync_run_counts AS
SELECT
    c.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    c.members,
    c.planned_add AS num_planned_add,
    c.planned_remove AS num_planned_remove,
    c.succeeded_add AS num_succeeded_add,
    c.succeeded_remove AS num_succeeded_remove,
    c.failed_add AS num_failed_add,
    c.failed_remove AS num_failed_remove,
    c.unknown AS num_unknown,
    c.aborted AS num_aborted,
    c.held AS num_held,
    c.initial
FROM run_count AS c
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW sync_run_counts IS 'A row per run, destination and audience; counts are contacts, reassertions not included';
COMMENT ON COLUMN sync_run_counts.members IS 'Different user ids in the snapshot';
COMMENT ON COLUMN sync_run_counts.initial IS 'This run belonged to the initial sync of the audience there';

CREATE VIEW sync_changelog AS
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
COMMENT ON VIEW sync_changelog IS 'Every change that was ever planned: a row per membership, so a contact of two users has two';
COMMENT ON COLUMN sync_changelog.contact IS 'The key that the destination knows';
COMMENT ON COLUMN sync_changelog.op IS 'added, removed, reasserted, trait_changed, or covered: the row moved, the contact''s value did not, no call';
COMMENT ON COLUMN sync_changelog.value IS 'What was told, as JSON';
COMMENT ON COLUMN sync_changelog.status IS 'planned, succeeded, failed, unknown, aborted; held: the guard still holds it, since that run';
COMMENT ON COLUMN sync_changelog.failure_reason IS 'The destination''s own words, or what happened to the request';
COMMENT ON COLUMN sync_changelog.message_id IS 'The messageId of the identify; null for covered';
COMMENT ON COLUMN sync_changelog.attempted_at IS 'When its page was sent, or the refusal recorded; null for what was never sent';

CREATE VIEW audience_membership_history AS
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
    SELECT destination_id, audience_id, contact, user_id, email, entered_at, settled_at, entered_run_id, run_id
    FROM accepted_change
    WHERE effect = 'lose'
) AS interval
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
WHERE NOT audience.is_trait;
COMMENT ON VIEW audience_membership_history IS 'When each member entered and left, as accepted by the destination; exited_at is null while it lasts';

CREATE VIEW refused_contacts AS
SELECT destination.name AS destination, r.contact, r.user_id, coalesce(r.email, r.contact) AS email, r.reason,
    r.http_status, r.since, r.since_run_id, r.tries, r.next_try_run_id
FROM refused_contact AS r
JOIN destination USING (destination_id);
COMMENT ON VIEW refused_contacts IS 'Contacts that the destination refused and has not accepted since';
COMMENT ON COLUMN refused_contacts.tries IS 'How often it was tried with the same data';
COMMENT ON COLUMN refused_contacts.next_try_run_id IS 'The first run that tries again; null: parked, until its data changes or somebody says syncer retry';

CREATE VIEW skipped_members AS
SELECT destination.name AS destination, s.audience, s.user_id, s.email, s.reason, s.since, s.since_run_id,
    NULL::integer AS tries, NULL::integer AS next_try_run_id
FROM skipped_member AS s
JOIN destination USING (destination_id);
COMMENT ON VIEW skipped_members IS 'Rows of the last snapshot that cannot be sent, and why; they go out by themselves once they can';
COMMENT ON COLUMN skipped_members.user_id IS 'As in the warehouse; long texts are cut, unsendable characters replaced';

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

CREATE VIEW operator_actions AS
SELECT at, actor, action, arguments, run_id
FROM operator_action;
COMMENT ON VIEW operator_actions IS 'What people told syncer to do';
