-- The state of syncer: what each destination accepted, what is uncertain, and the plan of every run, which is its
-- history. All text is compared bytewise (COLLATE "C"): the same order and equality on every server.

CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation_id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

-- Who syncs now, or did last. The advisory lock decides; this row says who to ask, and its token fences off a
-- process that lost the lock without noticing.
CREATE TABLE leader (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    since timestamptz NOT NULL
);

-- Name and property may be taken over within one transaction (renames), hence deferrable.
CREATE TABLE audience (
    audience_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    property text COLLATE "C" NOT NULL,
    pinned_run_id integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audience_name_taken UNIQUE (name) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT audience_property_taken UNIQUE (property) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE destination (
    destination_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    account jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A row: the initial sync of this audience at this destination has ended, in that run.
CREATE TABLE initial_sync (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    ended_run_id integer NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);

-- Every membership that the destination accepted and was not told otherwise since.
-- `email` is null where the contact is the email.
CREATE TABLE synced_member (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    entered_run_id integer NOT NULL,
    told_run_id integer NOT NULL,
    entered_at timestamptz NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    PRIMARY KEY (destination_id, contact, audience_id, user_id)
) PARTITION BY LIST (destination_id);
CREATE INDEX synced_member_by_user ON synced_member (user_id);

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
    PRIMARY KEY (run_id, destination_id)
);

-- Counts are contacts.
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
-- `entered_*` remember when a row that is lost had come in. Partitioned by run so that old history is dropped.
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
    value jsonb NOT NULL
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

-- Identifies of pages that are done which ended otherwise than succeeded.
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
    PRIMARY KEY (run_id, destination_id, page, contact, part)
);

-- Contacts whose last identify was refused.
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
    last_run_id integer NOT NULL,
    PRIMARY KEY (destination_id, audience_id, contact)
);

CREATE TABLE operator_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    arguments jsonb NOT NULL,
    run_id integer
);

-- The contact of an email: without surrounding space, tab, CR, LF and U+00A0, A–Z lower-cased, nothing else changed.
-- Fixed for good: the state is keyed by it.
CREATE FUNCTION contact_of(email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(btrim(email, U&' \0009\000D\000A\00A0') COLLATE "C");

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

-- The messageId of an identify: never of page, position or attempt; 47 characters.
CREATE FUNCTION message_id(installation_id uuid, nonce uuid, destination text, contact text, part smallint) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'syncer-' || left(encode(sha256(convert_to(
        concat_ws(chr(31), installation_id, nonce, destination, contact, part), 'UTF8')), 'hex'), 40);
