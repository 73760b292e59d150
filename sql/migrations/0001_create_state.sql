-- The state of syncer: what each destination accepted, what is uncertain, and the plan of every run, which is its
-- history. All text is compared bytewise (COLLATE "C"): the same order and equality on every server.
--
--   1. the installation, and who leads     4. runs, their plan and its history     7. views: the history for
--   2. audiences and destinations          5. what stands from run to run             people's own SQL
--   3. what each destination accepted      6. functions


-- 1. The installation, and who leads

-- `added_up_run`: the runs before it ended so long ago that their history goes with the block that they are in. What it
-- came to is in `dropped_history` and `past_contact` already.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation_id uuid NOT NULL DEFAULT gen_random_uuid(),
    forget_key uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    added_up_run integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE installation IS 'The one row that tells this state from every other';
INSERT INTO installation DEFAULT VALUES;

-- This row decides: only who may write this schema can keep others from syncing. Its token fences off a process that
-- was replaced without noticing. `backend_pid` is the session that leads, and the row counts as long as that lives;
-- `renewed_at` is when its process last said that it goes on. A daemon leads all its life, a command for one run.
CREATE TABLE leader (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('daemon', 'command')),
    host text NOT NULL,
    pid integer NOT NULL,
    backend_pid integer NOT NULL,
    since timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL
);
COMMENT ON TABLE leader IS 'Who syncs now; a process that vanished leaves its row behind';

CREATE TABLE schedule (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_due_at timestamptz NOT NULL
);
COMMENT ON TABLE schedule IS 'When the leading daemon wants to run next; it outlives the daemon';

-- A row goes from asked to begun (`run_id`) to ended; `problems` are what kept it from being begun. kind `yield`: the
-- daemon lets go of the lock for a moment.
CREATE TABLE request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sync', 'resync', 'restored', 'yield')),
    audiences text[] NOT NULL,
    destinations text[] NOT NULL,
    actor text NOT NULL,
    uid bigint,
    database_user text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_at timestamptz,
    begun_by uuid,
    run_id integer,
    ended_at timestamptz,
    exit_code integer,
    problems jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON TABLE request IS 'What commands ask the leading daemon to do; ended without exit_code: nobody did it';
CREATE INDEX request_open ON request (request_id) WHERE ended_at IS NULL;

CREATE TABLE operator_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    uid bigint,
    database_user text NOT NULL,
    action text NOT NULL,
    arguments jsonb NOT NULL,
    run_id integer
);
COMMENT ON TABLE operator_action IS 'What people told syncer to do';

-- `subject` names a destination or an audience, and no person.
CREATE TABLE alert (
    kind text NOT NULL CHECK (
        kind IN ('failed', 'refused', 'held', 'incomplete', 'late', 'slow', 'full', 'outdated', 'unusual')
    ),
    subject text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, subject)
);
COMMENT ON TABLE alert IS 'What is wrong and was alerted; a row goes when it is right again';

CREATE TABLE alert_turn (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    token uuid NOT NULL,
    ends_at timestamptz NOT NULL
);
COMMENT ON TABLE alert_turn IS 'Which process says what is wrong just now, so that no two say the same';


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
COMMENT ON TABLE audience IS
    'The audiences and computed traits that were ever planned, each with the property that it is';

CREATE TABLE destination (
    destination_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    account jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE destination IS 'The accounts that identify calls go to, each with what it points at';


-- 3. What each destination accepted

-- An initial sync ends for the reach that the destination had in that run: contacts that come within reach later begin
-- with one of their own. `reach_hashes`: see `hashed_reach`.
CREATE TABLE initial_sync (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    ended_run_id integer NOT NULL,
    reach_hashes text[],
    rollout float8,
    PRIMARY KEY (destination_id, audience_id)
);
COMMENT ON TABLE initial_sync IS 'Audiences whose initial sync at a destination has ended';

-- `email` is null where the contact is the email, `value` where it is true, as for every audience. `told_run_id` is the
-- run that told the contact last; with a minus it is due again as soon as it can be told, because a full resync ended
-- without it.
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
COMMENT ON TABLE synced_member IS 'Every membership that a destination accepted and was not told otherwise since';
-- With the audience, so that a user's rows are also counted by this index before the table was ever analyzed.
CREATE INDEX synced_member_by_user ON synced_member (user_id, audience_id);
-- Contacts that are user ids are also looked for by their email.
CREATE INDEX synced_member_by_email ON synced_member (email) WHERE email IS NOT NULL;

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
COMMENT ON TABLE told_false IS 'Contacts that were once told true and whose last accepted value is false';
CREATE INDEX told_false_by_user ON told_false (user_id);
CREATE INDEX told_false_due ON told_false (destination_id) WHERE told_run_id < 0;

-- Of a destination that keeps profiles by user id too. A contact's row in `told_false` knows the last user only.
-- `is_back`: the user is in the audience, at a contact whose call may have had to name another one, or did not succeed.
CREATE TABLE user_told_false (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    is_back boolean NOT NULL DEFAULT false,
    PRIMARY KEY (destination_id, user_id, audience_id)
);
COMMENT ON TABLE user_told_false IS 'Users whose profile says false of an audience, or may say so';
CREATE INDEX user_told_false_is_back ON user_told_false (destination_id) WHERE is_back;

-- Whether or not `synced_member` has a row of it: a call has no answer, or a reconciliation found the destination to
-- believe otherwise, and was to repair that. `user_id` is the user that the unanswered call named. `left_because`:
-- why the last plan left it as it is, and the next one will, as things stand: see `left_uncertain`; null: it is told.
CREATE TABLE uncertain (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    since_run_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    left_because text,
    PRIMARY KEY (destination_id, contact, audience_id)
);
COMMENT ON TABLE uncertain IS 'Properties whose last call has no answer, or that a reconciliation is to repair';
CREATE INDEX uncertain_by_age ON uncertain (destination_id, since_run_id) WHERE left_because IS NULL;
CREATE INDEX uncertain_by_user ON uncertain (user_id);
CREATE INDEX uncertain_left ON uncertain (destination_id) WHERE left_because IS NOT NULL;

-- Kept wherever calls carry more than properties, whether or not a change of it is sent by itself: that may be set
-- later.
CREATE TABLE synced_profile (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    traits jsonb NOT NULL,
    PRIMARY KEY (destination_id, contact)
);
COMMENT ON TABLE synced_profile IS 'What a destination last accepted of a contact beside its properties';

-- Both counts leave people out who were forgotten, and are exact between runs: a plan need not count the snapshot.
CREATE TABLE contact_count (
    destination_id integer PRIMARY KEY,
    contacts bigint NOT NULL
);
COMMENT ON TABLE contact_count IS 'How many different contacts a destination has in synced_member; no row: not counted';
CREATE TABLE user_count (
    destination_id integer NOT NULL REFERENCES contact_count ON DELETE CASCADE,
    audience_id integer NOT NULL,
    users bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);
COMMENT ON TABLE user_count IS 'How many different users a destination has in synced_member, by audience';

-- What the snapshot's rows of an audience added up to in the last plan for the destination, where nothing differed from
-- the state: while they add up to that, and are read in the same way (`reading`), nothing does. `sums` are by group of
-- users (see member_group), null where something differed; `fingerprint` is of all rows, null if anything did.
-- `hashing` tells servers apart whose hashes are different.
CREATE TABLE member_sum (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    reading text NOT NULL,
    hashing bigint NOT NULL DEFAULT hashtextextended('syncer', 0),
    fingerprint text,
    sums bigint[] NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);
COMMENT ON TABLE member_sum IS 'What the rows of an audience add up to of which nothing differs, by group of users';

-- A row goes when its event was accepted; where the receiver does not recognise a repetition, before it is sent.
-- `refusal`: in the receiver's words; never sent again.
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
COMMENT ON TABLE owed_event IS 'Events about what was accepted that are still to be sent, in the order of acceptance';
CREATE INDEX owed_event_in_order ON owed_event (destination_id, event_id) WHERE refusal IS NULL;


-- 4. Runs, their plan and its history

-- `nonce` makes the messageIds of this run its own. `deferred`: identifies that wait for the next run; `later` of
-- them, at most, for a later slice of this one, while it is planned in slices. `read`: which of
-- the snapshot's rows travelled, `read_because`: why that was everything. `rolls_back_run_id`: it reads and sends
-- nothing, it only holds what would take that run back.
CREATE TABLE run (
    run_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trigger text NOT NULL CHECK (trigger IN ('manual', 'schedule', 'resync', 'request', 'rollback')),
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
    later bigint NOT NULL DEFAULT 0,
    read text CHECK (read IN ('everything', 'changes')),
    read_because text,
    read_rows bigint,
    read_bytes bigint,
    error text,
    syncer_version text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    rolls_back_run_id integer,
    CONSTRAINT rollback_of_a_run CHECK ((trigger = 'rollback') = (rolls_back_run_id IS NOT NULL)),
    CONSTRAINT closed_with_status CHECK ((phase = 'closed') = (status IS NOT NULL))
);
COMMENT ON TABLE run IS 'A row per sync run; at most one is open';
CREATE INDEX run_by_start ON run (started_at);
CREATE UNIQUE INDEX one_open_run ON run ((true)) WHERE phase <> 'closed';

-- The changes, pages, exceptions, audiences and counts of these runs are in partitions of their own. `first_run` names
-- them; `end_run` is excluded.
CREATE TABLE history_block (
    first_run integer PRIMARY KEY,
    end_run integer NOT NULL,
    CONSTRAINT has_runs CHECK (end_run > first_run)
);
COMMENT ON TABLE history_block IS 'Runs whose history is kept together, and dropped together';

-- `members`: users in the snapshot, null until a run that is planned in slices has counted them. `problem`: why it was
-- set aside.
CREATE TABLE run_audience (
    run_id integer NOT NULL,
    position integer NOT NULL,
    audience_id integer,
    name text NOT NULL,
    property text,
    members bigint,
    problem text,
    PRIMARY KEY (run_id, position)
) PARTITION BY RANGE (run_id);
COMMENT ON TABLE run_audience IS 'The audiences of a run in the order in which they are reported, also those set aside';
CREATE INDEX run_audience_by_audience ON run_audience (audience_id, run_id);

-- `reach_hashes` and `rollout` are the destination's reach. `per_audience`: every audience of a contact has a call of
-- its own. `keeps_profiles`: what is accepted goes to `synced_profile` too. `keys_users`: the destination keeps
-- profiles by user id, so that `user_told_false` matters. `mirrors`: nothing waits, is skipped, set
-- aside or out of scope, so that once all of the plan is accepted, the destination has the memberships of the snapshot
-- and no others. `answered`: somebody was accepted, or refused by the destination. Where nobody was, it was down, for
-- all that is known, and no contact is to blame.
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
    reach_hashes text[],
    rollout float8,
    per_audience boolean NOT NULL DEFAULT false,
    keeps_profiles boolean NOT NULL DEFAULT false,
    keys_users boolean NOT NULL DEFAULT false,
    mirrors boolean NOT NULL DEFAULT false,
    answered boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, destination_id)
);
COMMENT ON TABLE run_destination IS 'What a run did at a destination, in identifies';

-- `reads`: the snapshot was asked about this audience, and something named it. `held_add` and `deferred_add`: of those
-- held and deferred, additions. Deferred changes wait for the next run, because this one could not tell them before
-- that is due, or (`yielding`) because of another audience of a priority. `refreshed`: planned to be told true once
-- more, before that expires.
CREATE TABLE run_count (
    run_id integer NOT NULL,
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    members bigint,
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
    yielding bigint NOT NULL DEFAULT 0,
    refreshed bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, destination_id, audience_id)
) PARTITION BY RANGE (run_id);
COMMENT ON TABLE run_count IS 'What a run did for an audience at a destination, in contacts';
CREATE INDEX run_count_by_audience ON run_count (audience_id, destination_id, run_id);
CREATE INDEX run_count_held ON run_count (audience_id, destination_id, run_id) WHERE held > 0;

-- Of all runs that are closed, also of those whose own counts were dropped.
CREATE TABLE told_count (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    succeeded_add bigint NOT NULL,
    succeeded_remove bigint NOT NULL,
    failed_add bigint NOT NULL,
    failed_remove bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);
COMMENT ON TABLE told_count IS 'How the changes of all runs ended, by audience at a destination, in contacts';

CREATE TYPE change_op AS ENUM ('added', 'removed', 'reasserted', 'trait_changed', 'covered', 'refreshed');
CREATE TYPE row_effect AS ENUM ('gain', 'lose', 'none');
CREATE TYPE page_status AS ENUM ('planned', 'sending', 'done', 'aborted');
CREATE TYPE identify_outcome AS ENUM ('failed', 'unknown', 'aborted');

-- Of the rows of one contact and audience exactly one is `lead`: it stands for the property that is told. One identify
-- is the lead rows of one contact and part. `told_as` is the user that the call names, if it is not the row's own.
-- `effect` is what acceptance does to `synced_member`. Covered rows are on page 0: no call. `entered_*` remember when a
-- row that is lost had come in. `traits` go along with the call. `event`: once this was accepted, an event is owed.
CREATE TABLE sync_change (
    run_id integer NOT NULL,
    destination_id integer NOT NULL,
    page integer NOT NULL,
    audience_id integer NOT NULL,
    entered_at timestamptz,
    entered_run_id integer,
    op change_op NOT NULL,
    effect row_effect NOT NULL,
    part integer NOT NULL,
    lead boolean NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    told_as text COLLATE "C",
    email text COLLATE "C",
    value jsonb NOT NULL,
    traits jsonb,
    event boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (run_id);
COMMENT ON TABLE sync_change IS
    'The plan, written once, which is also the history: a row per membership that enters, leaves or is told again';
CREATE INDEX sync_change_by_page ON sync_change (run_id, destination_id, page);
CREATE INDEX sync_change_by_contact ON sync_change (contact);

-- A page goes planned → sending → done | aborted. Page 0 holds the covered changes. `urgency` is the class of all its
-- calls in the order of delivery: see `urgency_of`; 4 to 6, or more, are of calls that follow others, or had no
-- answer yet.
CREATE TABLE sync_page (
    run_id integer NOT NULL,
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
) PARTITION BY RANGE (run_id);
COMMENT ON TABLE sync_page IS
    'Identifies that are claimed, sent and settled together: the only thing that delivery moves';
CREATE INDEX sync_page_sending ON sync_page (run_id) WHERE status = 'sending';

-- `alone`: the identify was the only one in its request.
CREATE TABLE sync_exception (
    run_id integer NOT NULL,
    destination_id integer NOT NULL,
    page integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    part integer NOT NULL,
    outcome identify_outcome NOT NULL,
    reason text NOT NULL,
    http_status integer,
    attempted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    alone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, destination_id, page, contact, part)
) PARTITION BY RANGE (run_id);
COMMENT ON TABLE sync_exception IS 'Identifies of pages that are done which ended otherwise than succeeded';

CREATE TABLE dropped_history (
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    members bigint NOT NULL,
    PRIMARY KEY (destination_id, audience_id)
);
COMMENT ON TABLE dropped_history IS
    'How many members had entered and not left, by audience, in the runs before `added_up_run`';

-- What forgetting needs of the history that is dropped, and nothing else reads: about which contacts calls left for a
-- destination, and which users were there. Columns as in `synced_member`; without those that still are there.
CREATE TABLE past_contact (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C"
);
COMMENT ON TABLE past_contact IS
    'Who was once told about, in the runs before `added_up_run`, so that they can be forgotten';
CREATE UNIQUE INDEX past_contact_once ON past_contact (contact, user_id, destination_id, coalesce(email, ''));


-- 5. What stands from run to run

-- `fingerprint` is of what was refused: a contact with other data is tried at once. `next_try_run_id`: the first run
-- that tries again; null: parked. `added` and `removed`: the audiences that it was to be told it entered, and left:
-- these changes have passed the guard.
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
    fingerprint text NOT NULL,
    added integer[] NOT NULL,
    removed integer[] NOT NULL,
    PRIMARY KEY (destination_id, contact)
);
COMMENT ON TABLE refused_contact IS 'Contacts whose last identify was refused';
CREATE INDEX refused_contact_by_age ON refused_contact (destination_id, since);
CREATE INDEX refused_contact_by_user ON refused_contact (user_id);
CREATE INDEX refused_contact_parked ON refused_contact (destination_id) WHERE next_try_run_id IS NULL;

-- `runs`: in how many runs in a row; `others`: in how many of them somebody else was answered; `alone`: in how many of
-- these it was alone in its request.
CREATE TABLE unanswered_contact (
    destination_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    runs integer NOT NULL,
    others integer NOT NULL,
    alone integer NOT NULL,
    PRIMARY KEY (destination_id, contact)
);
COMMENT ON TABLE unanswered_contact IS 'Contacts whose last call had no answer';

-- Texts are cut for the list; `fingerprint` is of the whole row.
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
COMMENT ON TABLE skipped_member IS 'Rows of the last snapshot that were not sent, and why';

-- Ends once they are not held out any more, whether they are told then, or the audience or the holdout is gone. While
-- the guard holds what leaves the audience, nobody's ends. `until`, `until_run_id`: null while it lasts.
CREATE TABLE held_out (
    audience_id integer NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    since_run_id integer NOT NULL,
    until timestamptz,
    until_run_id integer
);
COMMENT ON TABLE held_out IS 'Who is held out of an audience, or was';
CREATE UNIQUE INDEX held_out_now ON held_out (audience_id, user_id) WHERE until IS NULL;
CREATE INDEX held_out_by_user ON held_out (user_id);
CREATE INDEX held_out_by_end ON held_out (until) WHERE until IS NOT NULL;

-- Of people only who has rows is in the state, as skipped. `held_entries`: how long the list was when the run
-- `held_run_id` was held for it, until a human approves that.
CREATE TABLE suppression (
    list text PRIMARY KEY CHECK (list IN ('list', 'consent')),
    entries bigint NOT NULL,
    held_entries bigint,
    held_run_id integer
);
COMMENT ON TABLE suppression IS 'How many names each list of the suppressed had when a plan was made from it last';

-- Which run held a change last is not written to every row: `run_count.held` knows which runs held something.
-- `rolls_back_run_id`: it takes back what that run told; 0: the guard holds it. Until a rollback is approved, plans go
-- on as if it were not there, and one that tells the contact anything about the audience drops it.
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
    rolls_back_run_id integer NOT NULL DEFAULT 0,
    PRIMARY KEY (destination_id, audience_id, contact)
);
COMMENT ON TABLE held_change IS
    'What the guard holds, or a rollback, until it is approved and accepted, or is no longer wanted';
CREATE INDEX held_change_by_age ON held_change (destination_id, since);
CREATE INDEX held_change_by_contact ON held_change (contact);
CREATE INDEX held_change_by_user ON held_change (user_id);
CREATE INDEX held_change_waiting ON held_change (destination_id, audience_id, since_run_id, rolls_back_run_id)
    INCLUDE (op)
    WHERE approved_at IS NULL;
CREATE INDEX held_change_rolls_back ON held_change (destination_id, audience_id, contact)
    WHERE rolls_back_run_id > 0;

-- `reach_hashes` and `rollout`: it has ended for contacts within this reach, and waits for those beyond it; both null:
-- it has ended for none.
CREATE TABLE resync (
    destination_id integer NOT NULL,
    audience_id integer,
    before_run_id integer NOT NULL REFERENCES run,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reach_hashes text[],
    rollout float8
);
COMMENT ON TABLE resync IS
    'What was told before this run is due again, until it is accepted; audience_id null: every audience';
CREATE UNIQUE INDEX resync_once ON resync (destination_id, coalesce(audience_id, 0));

CREATE TABLE pause (
    destination_id integer,
    audience_id integer,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE pause IS 'What is paused; a null stands for all: (null, null) pauses everything';
CREATE UNIQUE INDEX pause_once ON pause (coalesce(destination_id, 0), coalesce(audience_id, 0));

CREATE TABLE forgotten (
    hash text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE forgotten IS
    'Keyed hashes of the addresses and user ids of people who were forgotten, while the warehouse has them';

-- `scratch_table`, `seal`: the table at the warehouse that holds the snapshot of `run_id`, and what its rows add up to;
-- null: there is none, because of `missing`. `sources`: a digest of how it was read; `readings`: of how the plan of
-- that run compared it, by the destination's id. `countable`: some destination knows everybody in it, so that only
-- differences have to be counted.
CREATE TABLE base (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    run_id integer,
    scratch_table text,
    seal text,
    sources text,
    readings jsonb NOT NULL DEFAULT '{}',
    countable boolean NOT NULL DEFAULT false,
    missing text,
    CONSTRAINT whole_or_missing CHECK ((scratch_table IS NULL) = (missing IS NOT NULL))
);
COMMENT ON TABLE base IS 'The snapshot at the warehouse that the next run may compare with, to read only what changed';

-- `place` is the database, `scratch` the schema there. Where each source has a table, their names begin with that in
-- `base`.
CREATE TABLE scratch_table (
    place text NOT NULL,
    scratch text NOT NULL,
    name text PRIMARY KEY,
    run_id integer NOT NULL
);
COMMENT ON TABLE scratch_table IS
    'Tables that this state made at the warehouse, or was about to make, and has not dropped yet';

-- `unsendable` null: the snapshot has no row of this user in this audience.
CREATE TABLE rest_member (
    audience text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    unsendable boolean
);
COMMENT ON TABLE rest_member IS
    'What the base has of users and audiences that some destination had not been told all about when it was planned';

-- `audience_ids`: only what was told of these; null: of all. `sample`: how many contacts were to be asked about, chosen
-- by a hash with `seed`; null: all. `contacts`: how many there were to choose from. The other counts are of those who
-- were asked about so far: `equal`, `differing`, `moved` (told something new meanwhile) and those in `unreadable`, by
-- reason, are contacts; the kinds of differences are properties. `moved_at`: when its last page was recorded; others of
-- the destination that began later wait while that is a moment ago.
CREATE TABLE reconciliation (
    reconciliation_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_id integer NOT NULL,
    audience_ids integer[],
    sample integer,
    seed uuid NOT NULL DEFAULT gen_random_uuid(),
    repairs boolean NOT NULL,
    scheduled boolean NOT NULL,
    actor text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    contacts bigint NOT NULL DEFAULT 0,
    asked bigint NOT NULL DEFAULT 0,
    equal bigint NOT NULL DEFAULT 0,
    differing bigint NOT NULL DEFAULT 0,
    moved bigint NOT NULL DEFAULT 0,
    unreadable jsonb NOT NULL DEFAULT '{}',
    missing bigint NOT NULL DEFAULT 0,
    stale bigint NOT NULL DEFAULT 0,
    untold bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    repaired bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE reconciliation IS 'A comparison of what a destination believes with what it had accepted';
CREATE INDEX reconciliation_by_destination ON reconciliation (destination_id, reconciliation_id);

-- The rows that are left are the cursor: a page of them goes with what was found out about it.
CREATE TABLE contact_to_ask (
    reconciliation_id integer NOT NULL REFERENCES reconciliation,
    place bigint NOT NULL,
    contact text COLLATE "C" NOT NULL,
    PRIMARY KEY (reconciliation_id, place)
);
COMMENT ON TABLE contact_to_ask IS 'Contacts that a reconciliation has chosen and not yet asked about';

-- `believed` and `accepted` are JSON, cut; null: nothing.
CREATE TABLE reconciled_difference (
    reconciliation_id integer NOT NULL REFERENCES reconciliation,
    destination_id integer NOT NULL,
    audience_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('missing', 'stale', 'untold', 'changed')),
    believed text,
    accepted text,
    knows_contact boolean NOT NULL,
    repaired boolean NOT NULL,
    PRIMARY KEY (reconciliation_id, contact, audience_id)
);
COMMENT ON TABLE reconciled_difference IS 'Where a destination believes something else than it had accepted';


-- PostgreSQL keeps samples of what is in a column, and keeps those of a table that has become empty. Where nothing is
-- looked for by a person among many rows, there are none; forgetting renews the others.
ALTER TABLE uncertain
    ALTER contact SET STATISTICS 0, ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0;
ALTER TABLE user_told_false ALTER user_id SET STATISTICS 0;
ALTER TABLE owed_event
    ALTER contact SET STATISTICS 0, ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0,
    ALTER refusal SET STATISTICS 0;
ALTER TABLE refused_contact
    ALTER contact SET STATISTICS 0, ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0,
    ALTER reason SET STATISTICS 0;
ALTER TABLE unanswered_contact ALTER contact SET STATISTICS 0;
ALTER TABLE held_change
    ALTER contact SET STATISTICS 0, ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0;
ALTER TABLE skipped_member ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0;
ALTER TABLE held_out ALTER user_id SET STATISTICS 0;
ALTER TABLE contact_to_ask ALTER contact SET STATISTICS 0;
ALTER TABLE reconciled_difference
    ALTER contact SET STATISTICS 0, ALTER believed SET STATISTICS 0, ALTER accepted SET STATISTICS 0;
ALTER TABLE rest_member ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0;
ALTER TABLE past_contact
    ALTER contact SET STATISTICS 0, ALTER user_id SET STATISTICS 0, ALTER email SET STATISTICS 0;
ALTER TABLE operator_action ALTER arguments SET STATISTICS 0;
ALTER TABLE request ALTER audiences SET STATISTICS 0, ALTER problems SET STATISTICS 0;
ALTER TABLE run ALTER error SET STATISTICS 0;
ALTER TABLE run_destination ALTER error SET STATISTICS 0;


-- 6. Functions

-- Whether the session of this database lives that led since then. Another that was given the same number began later;
-- of the sessions of other roles it may not be known when they began.
CREATE FUNCTION session_lives(backend_pid integer, since timestamptz) RETURNS boolean
    LANGUAGE sql
    RETURN EXISTS (
        SELECT FROM pg_stat_activity AS session
        WHERE session.pid = backend_pid
            AND session.datname = current_database()
            AND coalesce(session.backend_start <= since, true)
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

-- Whether a person is held out of an audience, chosen by a hash so that a larger share contains the smaller. Fixed for
-- good.
CREATE FUNCTION is_held_out(person text, seed text, share float8) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('x' || left(md5(seed || chr(31) || person), 8))::bit(32)::bigint < share * 4294967296;

-- Whether one reach lies within a wider one; a reach of nulls is everybody.
CREATE FUNCTION is_reach_within(reach_hashes text[], rollout float8, wider_hashes text[], wider_rollout float8)
RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN wider_hashes IS NULL AND wider_rollout IS NULL THEN true
        WHEN reach_hashes IS NULL AND rollout IS NULL THEN false
        ELSE coalesce(reach_hashes, '{}') <@ coalesce(wider_hashes, '{}')
            AND coalesce(rollout, 0) <= coalesce(wider_rollout, 0)
    END;

-- A contact or user id that stands for a person who was forgotten. No row of the warehouse can bring one: no address
-- has a blank inside, and a user id of this form is not sent.
CREATE FUNCTION is_token(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN starts_with(name, 'forgotten ') AND name ~ '^forgotten [0-9a-f]{32}$' COLLATE "C";

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
        WHEN is_token(user_id) THEN 'unsendable_text'
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

-- The group of an audience's users that a row belongs to: a row of the snapshot and the same row of the state are in
-- the same. `groups` is a power of two, `key` that of the sums.
CREATE FUNCTION member_group(user_id text, groups integer, key bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashtextextended(coalesce(user_id, '') COLLATE "C", key) & (groups - 1))::integer;

-- A keyed hash of a name. `kind`: email, user_id, or contact (what a destination knows somebody by). A user id that
-- reads like the address of somebody else has another hash than that address.
CREATE FUNCTION forget_hash(forget_key uuid, kind text, name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(sha256(uuid_send(forget_key) || convert_to(kind || chr(31) || name, 'UTF8')), 'hex');

-- The contacts that a configuration names, as the state keeps them: it is not the place where they are forgotten.
CREATE FUNCTION hashed_reach(reach_contacts text[]) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN reach_contacts IS NOT NULL THEN ARRAY(
            SELECT forget_hash(installation.forget_key, 'contact', given.name)
            FROM installation
            CROSS JOIN unnest(reach_contacts) AS given (name)
            ORDER BY given.name COLLATE "C"
        )
    END;

-- `is_in_reach` for a reach that the state remembers.
CREATE FUNCTION was_in_reach(contact text, reach_hashes text[], rollout float8) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN is_in_reach(
        contact,
        CASE
            WHEN forget_hash((SELECT installation.forget_key FROM installation), 'contact', contact)
                = ANY (reach_hashes) THEN ARRAY[contact]
            WHEN reach_hashes IS NOT NULL THEN '{}'::text[]
        END,
        rollout
    );

-- The messageId of an identify: never of page, position or attempt; 47 characters. `audience` is null where a call
-- carries all of a contact's changes.
CREATE FUNCTION message_id(
    installation_id uuid, nonce uuid, destination text, contact text, part integer, audience text
) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN 'syncer-' || left(encode(sha256(convert_to(
        concat_ws(chr(31), installation_id, nonce, destination, contact, part, audience), 'UTF8')), 'hex'), 40);

-- The value of a computed trait as the JSON that is sent: numbers without trailing zeros, times in UTC, a date as its
-- first moment; null for one that cannot be sent, which a snapshot has as a null in JSON.
CREATE FUNCTION trait_value(value jsonb, value_type text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN value = 'null' THEN NULL
        WHEN value_type = 'number' THEN to_jsonb(trim_scale(value::numeric))
        WHEN value_type = 'timestamp' THEN to_jsonb(
            to_char((value #>> '{}')::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        )
        ELSE value
    END;

-- The class of a change in the order of delivery: 1 removals, 2 additions and changed values, 3 everything else but for
-- what is only told before it expires: 7, after all classes that `order_identifies` lists.
CREATE FUNCTION urgency_of(op change_op, initial boolean, retired boolean) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN op = 'removed' AND NOT retired THEN 1
        WHEN op = 'trait_changed' OR (op = 'added' AND NOT initial) THEN 2
        WHEN op = 'refreshed' THEN 7
        ELSE 3
    END;

-- What became of a change, by its page, and by how its identify ended if that was otherwise than succeeded.
CREATE FUNCTION status_of_change(status page_status, outcome identify_outcome) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN outcome IS NOT NULL THEN outcome::text
        WHEN status = 'done' THEN 'succeeded'
        WHEN status = 'aborted' THEN 'aborted'
        ELSE 'planned'
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
            SELECT FROM uncertain
            WHERE uncertain.destination_id = why_pending.destination_id
                AND uncertain.contact = why_pending.contact
                AND uncertain.audience_id = why_pending.audience_id
        ) THEN 'uncertain'
        WHEN EXISTS (
            SELECT FROM refused_contact
            WHERE refused_contact.destination_id = why_pending.destination_id
                AND refused_contact.contact = why_pending.contact
        ) THEN 'refused'
        WHEN EXISTS (
            SELECT FROM held_change
            WHERE held_change.destination_id = why_pending.destination_id
                AND held_change.contact = why_pending.contact
                AND held_change.audience_id = why_pending.audience_id
                AND held_change.op = why_pending.op
                AND (held_change.rolls_back_run_id = 0 OR held_change.approved_at IS NOT NULL)
        ) THEN 'held'
        WHEN op = 'added' THEN 'missing'
        WHEN op = 'removed' THEN 'lingering'
        WHEN op = 'trait_changed' THEN 'outdated'
        WHEN op = 'refreshed' THEN 'refresh'
        ELSE 'again'
    END;


-- 7. Views

-- Our own: the rows of `sync_change` that became true at the destination.
CREATE VIEW accepted_change AS
SELECT
    sync_change.run_id,
    sync_change.destination_id,
    sync_change.audience_id,
    sync_change.op,
    sync_change.effect,
    sync_change.lead,
    sync_change.contact,
    sync_change.user_id,
    coalesce(sync_change.told_as, sync_change.user_id) AS caller,
    sync_change.email,
    sync_change.value,
    sync_change.entered_run_id,
    sync_change.entered_at,
    sync_page.settled_at
FROM sync_change
JOIN sync_page USING (run_id, destination_id, page)
LEFT JOIN sync_exception
    ON sync_exception.run_id = sync_change.run_id
    AND sync_exception.destination_id = sync_change.destination_id
    AND sync_exception.page = sync_change.page
    AND sync_exception.contact = sync_change.contact
    AND sync_exception.part = sync_change.part
WHERE sync_page.status = 'done' AND sync_exception.contact IS NULL;
COMMENT ON VIEW accepted_change IS 'The changes that were accepted: syncer''s own, and no part of the contract';

CREATE VIEW passed_change AS
SELECT destination_id, audience_id, contact, op
FROM held_change
WHERE approved_at IS NOT NULL
UNION ALL
SELECT destination_id, unnest(added), contact, 'added'
FROM refused_contact
UNION ALL
SELECT destination_id, unnest(removed), contact, 'removed'
FROM refused_contact;
COMMENT ON VIEW passed_change IS
    'What has passed the guard and waits, approved or refused when told: syncer''s own, and no part of the contract';

CREATE VIEW approved_rollback AS
SELECT destination_id, audience_id, contact, op, rolls_back_run_id
FROM held_change
WHERE rolls_back_run_id > 0 AND approved_at IS NOT NULL AND NOT is_token(contact);
COMMENT ON VIEW approved_rollback IS
    'What a rollback takes back as soon as it can be told: syncer''s own, and no part of the contract';

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
    syncer_version,
    read,
    read_because,
    read_rows,
    read_bytes,
    rolls_back_run_id
FROM run;
COMMENT ON VIEW sync_runs IS 'A row per sync run';
COMMENT ON COLUMN sync_runs.run_id IS 'A growing integer';
COMMENT ON COLUMN sync_runs.trigger IS 'manual, schedule, resync, request or rollback';
COMMENT ON COLUMN sync_runs.status IS
    'running; or interrupted, failed, held, incomplete, succeeded: the first that applies';
COMMENT ON COLUMN sync_runs.scheduled_at IS 'When the schedule wanted it; null for a run that was asked for';
COMMENT ON COLUMN sync_runs.started_at IS 'When it began';
COMMENT ON COLUMN sync_runs.finished_at IS 'When it ended; null while it runs';
COMMENT ON COLUMN sync_runs.snapshot_at IS 'The moment of the warehouse that this run read; null until it has';
COMMENT ON COLUMN sync_runs.memberships IS 'Rows in the snapshot, skipped ones included';
COMMENT ON COLUMN sync_runs.contacts IS
    'Different email addresses in the snapshot, after trimming and lower-casing; null until they are counted';
COMMENT ON COLUMN sync_runs.error IS 'Why it failed, in a sentence';
COMMENT ON COLUMN sync_runs.syncer_version IS 'The version of syncer that made it';
COMMENT ON COLUMN sync_runs.read IS
    'Which rows of the warehouse were read: everything, or changes since the run before; null until they were';
COMMENT ON COLUMN sync_runs.read_because IS 'Why everything was read, in a sentence; null for changes';
COMMENT ON COLUMN sync_runs.read_rows IS 'How many rows travelled from the warehouse; 0 where it is read in place';
COMMENT ON COLUMN sync_runs.read_bytes IS 'How many bytes of rows travelled from the warehouse';
COMMENT ON COLUMN sync_runs.rolls_back_run_id IS
    'The run that it would take back, once approved; it reads and sends nothing itself; null for every other run';

CREATE VIEW sync_run_destinations AS
SELECT
    run_destination.run_id,
    destination.name AS destination,
    coalesce(run_destination.status, 'running') AS status,
    run_destination.planned,
    run_destination.succeeded,
    run_destination.failed,
    run_destination.unknown,
    run_destination.aborted,
    run_destination.requests,
    run_destination.retries,
    run_destination.skipped,
    run_destination.error
FROM run_destination
JOIN destination USING (destination_id);
COMMENT ON VIEW sync_run_destinations IS 'A row per run and destination; counts are identify calls';
COMMENT ON COLUMN sync_run_destinations.run_id IS 'The run';
COMMENT ON COLUMN sync_run_destinations.destination IS 'The name of the destination';
COMMENT ON COLUMN sync_run_destinations.status IS
    'running; or interrupted, failed, held, incomplete, succeeded: the first that applies';
COMMENT ON COLUMN sync_run_destinations.planned IS
    'Identifies of this run = succeeded + failed + unknown + aborted once it is closed';
COMMENT ON COLUMN sync_run_destinations.succeeded IS 'Accepted by the destination';
COMMENT ON COLUMN sync_run_destinations.failed IS 'Refused by the destination';
COMMENT ON COLUMN sync_run_destinations.unknown IS 'Sent, and the answer was lost; told again by the next run';
COMMENT ON COLUMN sync_run_destinations.aborted IS 'Planned and never applied; planned afresh by the next run';
COMMENT ON COLUMN sync_run_destinations.requests IS 'HTTP requests, retries included';
COMMENT ON COLUMN sync_run_destinations.retries IS 'Of the requests, those that were tries after the first';
COMMENT ON COLUMN sync_run_destinations.skipped IS 'Members whose rows are not sent, counted by reason';
COMMENT ON COLUMN sync_run_destinations.error IS 'What stopped this destination, in a sentence';

CREATE VIEW sync_run_counts AS
SELECT
    run_count.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    run_count.members,
    run_count.planned_add AS num_planned_add,
    run_count.planned_remove AS num_planned_remove,
    run_count.succeeded_add AS num_succeeded_add,
    run_count.succeeded_remove AS num_succeeded_remove,
    run_count.failed_add AS num_failed_add,
    run_count.failed_remove AS num_failed_remove,
    run_count.unknown AS num_unknown,
    run_count.aborted AS num_aborted,
    run_count.held AS num_held,
    run_count.initial,
    run_count.refreshed AS num_refreshed
FROM run_count
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW sync_run_counts IS
    'A row per run, destination and audience; counts are contacts, reassertions not included';
COMMENT ON COLUMN sync_run_counts.run_id IS 'The run';
COMMENT ON COLUMN sync_run_counts.destination IS 'The name of the destination';
COMMENT ON COLUMN sync_run_counts.audience IS 'The name of the audience, or of the computed trait';
COMMENT ON COLUMN sync_run_counts.property IS 'The key that the destination has for it';
COMMENT ON COLUMN sync_run_counts.members IS
    'Different user ids in the snapshot; null until they are counted, in a large first sync after its first calls';
COMMENT ON COLUMN sync_run_counts.num_planned_add IS 'To be told true';
COMMENT ON COLUMN sync_run_counts.num_planned_remove IS 'To be told false';
COMMENT ON COLUMN sync_run_counts.num_succeeded_add IS 'Told true, and accepted';
COMMENT ON COLUMN sync_run_counts.num_succeeded_remove IS 'Told false, and accepted';
COMMENT ON COLUMN sync_run_counts.num_failed_add IS 'To be told true, and refused';
COMMENT ON COLUMN sync_run_counts.num_failed_remove IS 'To be told false, and refused';
COMMENT ON COLUMN sync_run_counts.num_unknown IS 'Sent, and the answer was lost';
COMMENT ON COLUMN sync_run_counts.num_aborted IS 'Planned and never applied';
COMMENT ON COLUMN sync_run_counts.num_held IS 'Held by the guard, until syncer approve';
COMMENT ON COLUMN sync_run_counts.initial IS 'This run belonged to the initial sync of the audience there';
COMMENT ON COLUMN sync_run_counts.num_refreshed IS 'To be told true once more, before it expires at the destination';

CREATE VIEW sync_changelog AS
SELECT
    sync_change.run_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    sync_change.contact,
    sync_change.user_id,
    coalesce(sync_change.email, sync_change.contact) AS email,
    sync_change.op::text AS op,
    sync_change.value,
    status_of_change(sync_page.status, sync_exception.outcome) AS status,
    sync_exception.reason AS failure_reason,
    sync_exception.http_status,
    CASE
        WHEN sync_change.op <> 'covered' THEN message_id(
            (SELECT installation.installation_id FROM installation), -- one more table joined would take long to plan
            run.nonce,
            destination.name,
            sync_change.contact,
            sync_change.part,
            CASE WHEN run_destination.per_audience THEN audience.property END
        )
    END AS message_id,
    CASE
        WHEN sync_change.op <> 'covered' AND sync_exception.outcome IS DISTINCT FROM 'aborted'
            THEN coalesce(sync_exception.attempted_at, sync_page.attempted_at)
    END AS attempted_at
FROM sync_change
JOIN sync_page USING (run_id, destination_id, page)
JOIN run USING (run_id)
JOIN run_destination USING (run_id, destination_id)
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
LEFT JOIN sync_exception
    ON sync_exception.run_id = sync_change.run_id
    AND sync_exception.destination_id = sync_change.destination_id
    AND sync_exception.page = sync_change.page
    AND sync_exception.contact = sync_change.contact
    AND sync_exception.part = sync_change.part
UNION ALL
SELECT
    held_change.since_run_id,
    destination.name,
    audience.name,
    audience.property,
    held_change.contact,
    held_change.user_id,
    coalesce(held_change.email, held_change.contact),
    held_change.op::text,
    to_jsonb(held_change.op <> 'removed'),
    'held',
    held_change.reason,
    NULL,
    NULL,
    NULL
FROM held_change
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW sync_changelog IS
    'Every change that was ever planned: a row per membership, so a contact of two users has two';
COMMENT ON COLUMN sync_changelog.run_id IS 'The run that planned it, or that held it first';
COMMENT ON COLUMN sync_changelog.destination IS 'The name of the destination';
COMMENT ON COLUMN sync_changelog.audience IS 'The name of the audience, or of the computed trait';
COMMENT ON COLUMN sync_changelog.property IS 'The key that the destination has for it';
COMMENT ON COLUMN sync_changelog.contact IS 'The key that the destination knows the person by';
COMMENT ON COLUMN sync_changelog.user_id IS 'The user id, as in the warehouse';
COMMENT ON COLUMN sync_changelog.email IS 'The address: of a contact that is a user id, the one that goes along';
COMMENT ON COLUMN sync_changelog.op IS
    'added, removed, reasserted, trait_changed, or covered: the row moved, the contact''s value did not, no call';
COMMENT ON COLUMN sync_changelog.value IS 'What was told, as JSON';
COMMENT ON COLUMN sync_changelog.status IS
    'planned, succeeded, failed, unknown, aborted; held: the guard still holds it, since that run';
COMMENT ON COLUMN sync_changelog.failure_reason IS 'The destination''s own words, or what happened to the request';
COMMENT ON COLUMN sync_changelog.http_status IS 'The status of the answer that refused it; null if there was none';
COMMENT ON COLUMN sync_changelog.message_id IS 'The messageId of the identify; null for covered';
COMMENT ON COLUMN sync_changelog.attempted_at IS
    'When its page was sent, or the refusal recorded; null for what was never sent';

CREATE VIEW audience_membership_history AS
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    membership.contact,
    membership.user_id,
    coalesce(membership.email, membership.contact) AS email,
    membership.entered_at,
    membership.exited_at,
    membership.entered_run_id,
    membership.exited_run_id
FROM (
    SELECT
        destination_id,
        audience_id,
        contact,
        user_id,
        email,
        entered_at,
        NULL::timestamptz AS exited_at,
        entered_run_id,
        NULL::integer AS exited_run_id
    FROM synced_member
    UNION ALL
    SELECT destination_id, audience_id, contact, user_id, email, entered_at, settled_at, entered_run_id, run_id
    FROM accepted_change
    WHERE effect = 'lose'
) AS membership
JOIN destination USING (destination_id)
JOIN audience USING (audience_id)
WHERE NOT audience.is_trait;
COMMENT ON VIEW audience_membership_history IS 'When each member entered and left, as the destination accepted it';
COMMENT ON COLUMN audience_membership_history.destination IS 'The name of the destination';
COMMENT ON COLUMN audience_membership_history.audience IS 'The name of the audience';
COMMENT ON COLUMN audience_membership_history.property IS 'The key that the destination has for it';
COMMENT ON COLUMN audience_membership_history.contact IS 'The key that the destination knows the person by';
COMMENT ON COLUMN audience_membership_history.user_id IS 'The user id, as in the warehouse';
COMMENT ON COLUMN audience_membership_history.email IS
    'The address: of a contact that is a user id, the one that goes along';
COMMENT ON COLUMN audience_membership_history.entered_at IS 'When the destination accepted true';
COMMENT ON COLUMN audience_membership_history.exited_at IS
    'When the destination accepted false; null while the membership lasts';
COMMENT ON COLUMN audience_membership_history.entered_run_id IS 'The run that told true';
COMMENT ON COLUMN audience_membership_history.exited_run_id IS 'The run that told false';

CREATE VIEW refused_contacts AS
SELECT
    destination.name AS destination,
    refused_contact.contact,
    refused_contact.user_id,
    coalesce(refused_contact.email, refused_contact.contact) AS email,
    refused_contact.reason,
    refused_contact.http_status,
    refused_contact.since,
    refused_contact.since_run_id,
    refused_contact.tries,
    refused_contact.next_try_run_id
FROM refused_contact
JOIN destination USING (destination_id);
COMMENT ON VIEW refused_contacts IS 'Contacts that the destination refused and has not accepted since';
COMMENT ON COLUMN refused_contacts.destination IS 'The name of the destination';
COMMENT ON COLUMN refused_contacts.contact IS 'The key that the destination knows the person by';
COMMENT ON COLUMN refused_contacts.user_id IS 'The user that the call named';
COMMENT ON COLUMN refused_contacts.email IS 'The address: of a contact that is a user id, the one that goes along';
COMMENT ON COLUMN refused_contacts.reason IS 'The destination''s own words, or what happened to the request';
COMMENT ON COLUMN refused_contacts.http_status IS 'The status of the answer; null if there was none';
COMMENT ON COLUMN refused_contacts.since IS 'When it was first refused';
COMMENT ON COLUMN refused_contacts.since_run_id IS 'The run in which it was first refused';
COMMENT ON COLUMN refused_contacts.tries IS 'How often it was tried with the same data';
COMMENT ON COLUMN refused_contacts.next_try_run_id IS
    'The first run that tries again; null: parked, until its data changes or syncer retry';

CREATE VIEW skipped_members AS
SELECT
    destination.name AS destination,
    skipped_member.audience,
    skipped_member.user_id,
    skipped_member.email,
    skipped_member.reason,
    skipped_member.since,
    skipped_member.since_run_id,
    NULL::integer AS tries,
    NULL::integer AS next_try_run_id
FROM skipped_member
JOIN destination USING (destination_id);
COMMENT ON VIEW skipped_members IS
    'Rows of the last snapshot that are not sent, and why; they go out by themselves once nothing is in the way';
COMMENT ON COLUMN skipped_members.destination IS 'The name of the destination';
COMMENT ON COLUMN skipped_members.audience IS 'The audience that the row names';
COMMENT ON COLUMN skipped_members.user_id IS 'As in the warehouse; long texts are cut, unsendable characters replaced';
COMMENT ON COLUMN skipped_members.email IS 'As in the warehouse, cut and replaced likewise';
COMMENT ON COLUMN skipped_members.reason IS
    'no_email, invalid_email, no_user_id, user_id_too_long, unsendable_text (broken text, or a value that JSON or'
    ' receivers cannot have), no_audience, conflicting_values, forgotten, out_of_rollout, suppressed, held_out or'
    ' outranked (another audience of the person comes first in a priority);'
    ' shared_user_id: a user id that too many contacts have, whose profile'
    ' was not told the present value after a contact of it left';
COMMENT ON COLUMN skipped_members.since IS 'When a run first skipped it';
COMMENT ON COLUMN skipped_members.since_run_id IS 'The run that first skipped it';
COMMENT ON COLUMN skipped_members.tries IS 'Always null: nothing is tried';
COMMENT ON COLUMN skipped_members.next_try_run_id IS 'Always null: every run looks again';

CREATE VIEW held_changes AS
SELECT
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    held_change.contact,
    held_change.user_id,
    coalesce(held_change.email, held_change.contact) AS email,
    held_change.op::text AS op,
    held_change.reason,
    held_change.since,
    held_change.since_run_id,
    (
        SELECT max(run_count.run_id)
        FROM run_count
        WHERE run_count.destination_id = held_change.destination_id
            AND run_count.audience_id = held_change.audience_id
            AND run_count.held > 0
    ) AS last_run_id,
    NULL::integer AS tries,
    NULL::integer AS next_try_run_id,
    held_change.approved_at,
    nullif(held_change.rolls_back_run_id, 0) AS rolls_back_run_id
FROM held_change
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW held_changes IS 'Changes that the guard holds, or a rollback, until syncer approve';
COMMENT ON COLUMN held_changes.destination IS 'The name of the destination';
COMMENT ON COLUMN held_changes.audience IS 'The name of the audience, or of the computed trait';
COMMENT ON COLUMN held_changes.property IS 'The key that the destination has for it';
COMMENT ON COLUMN held_changes.contact IS 'The key that the destination knows the person by';
COMMENT ON COLUMN held_changes.user_id IS 'The user id, as in the warehouse';
COMMENT ON COLUMN held_changes.email IS 'The address: of a contact that is a user id, the one that goes along';
COMMENT ON COLUMN held_changes.op IS
    'added or removed: what it would tell; reasserted: true once more, where the answer to something else was lost';
COMMENT ON COLUMN held_changes.reason IS 'Why it is held';
COMMENT ON COLUMN held_changes.since IS 'When it was first held';
COMMENT ON COLUMN held_changes.since_run_id IS 'The run that first held it';
COMMENT ON COLUMN held_changes.last_run_id IS 'The last run that held something of this audience there';
COMMENT ON COLUMN held_changes.tries IS 'Always null: nothing is tried';
COMMENT ON COLUMN held_changes.next_try_run_id IS 'Always null: it waits for approval';
COMMENT ON COLUMN held_changes.approved_at IS 'Approved: it goes out with the next run';
COMMENT ON COLUMN held_changes.rolls_back_run_id IS 'The run that it takes back; null: it is held by the guard';

CREATE VIEW held_out_members AS
SELECT
    audience.name AS audience,
    audience.property,
    held_out.user_id,
    held_out.since,
    held_out.since_run_id,
    held_out.until,
    held_out.until_run_id
FROM held_out
JOIN audience USING (audience_id);
COMMENT ON VIEW held_out_members IS 'Who is held out of an audience and who was: members who are told nothing of it';
COMMENT ON COLUMN held_out_members.audience IS 'The name of the audience';
COMMENT ON COLUMN held_out_members.property IS 'The key that destinations have for it';
COMMENT ON COLUMN held_out_members.user_id IS 'The user id, as in the warehouse';
COMMENT ON COLUMN held_out_members.since IS 'When a run first held them out';
COMMENT ON COLUMN held_out_members.since_run_id IS 'The run that first held them out';
COMMENT ON COLUMN held_out_members.until IS
    'When a run no longer held them out: they left, or the holdout was made smaller or ended; null: they are held out';
COMMENT ON COLUMN held_out_members.until_run_id IS 'The run that no longer held them out; null: they are held out';

CREATE VIEW reconciliations AS
SELECT
    reconciliation.reconciliation_id,
    destination.name AS destination,
    ARRAY(
        SELECT audience.name
        FROM audience
        WHERE audience.audience_id = ANY (reconciliation.audience_ids)
        ORDER BY audience.name
    ) AS audiences,
    reconciliation.sample,
    reconciliation.seed,
    reconciliation.repairs,
    reconciliation.scheduled,
    reconciliation.actor,
    reconciliation.started_at,
    reconciliation.finished_at,
    reconciliation.contacts,
    reconciliation.asked,
    reconciliation.equal,
    reconciliation.differing,
    reconciliation.moved,
    reconciliation.unreadable,
    reconciliation.missing,
    reconciliation.stale,
    reconciliation.untold,
    reconciliation.changed,
    reconciliation.repaired
FROM reconciliation
JOIN destination USING (destination_id);
COMMENT ON VIEW reconciliations IS 'Comparisons of what a destination believes with what it had accepted';
COMMENT ON COLUMN reconciliations.reconciliation_id IS 'A growing integer';
COMMENT ON COLUMN reconciliations.destination IS 'The name of the destination';
COMMENT ON COLUMN reconciliations.audiences IS 'The audiences that it was about; empty: all';
COMMENT ON COLUMN reconciliations.sample IS 'How many contacts were to be asked about; null: all';
COMMENT ON COLUMN reconciliations.seed IS 'By which the sample was chosen';
COMMENT ON COLUMN reconciliations.repairs IS 'Whether what differs was made due for the next run';
COMMENT ON COLUMN reconciliations.scheduled IS 'Whether the daemon began it by itself (reconcile_every)';
COMMENT ON COLUMN reconciliations.actor IS 'Who began it: the account, or its number, and the host';
COMMENT ON COLUMN reconciliations.started_at IS 'When it began';
COMMENT ON COLUMN reconciliations.finished_at IS 'When all were asked about; null: it goes on, or was broken off';
COMMENT ON COLUMN reconciliations.contacts IS 'How many contacts there were to choose from';
COMMENT ON COLUMN reconciliations.asked IS 'About how many the destination was asked';
COMMENT ON COLUMN reconciliations.equal IS 'Of them, those of whom it believes what it had accepted';
COMMENT ON COLUMN reconciliations.differing IS 'Of them, those of whom it believes something else';
COMMENT ON COLUMN reconciliations.moved IS 'Of them, those who were told something new meanwhile, and not judged';
COMMENT ON COLUMN reconciliations.unreadable IS 'Of them, those whose answer could not be read, counted by reason';
COMMENT ON COLUMN reconciliations.missing IS 'Properties that were accepted, and that it does not know';
COMMENT ON COLUMN reconciliations.stale IS 'Properties that have another value than was accepted';
COMMENT ON COLUMN reconciliations.untold IS 'Properties that it has as true, and that it was never told';
COMMENT ON COLUMN reconciliations.changed IS
    'Properties that have another value, of contacts that were changed after our last call';
COMMENT ON COLUMN reconciliations.repaired IS 'Properties that were made due for the next run';

CREATE VIEW reconciled_differences AS
SELECT
    reconciled_difference.reconciliation_id,
    destination.name AS destination,
    audience.name AS audience,
    audience.property,
    reconciled_difference.contact,
    reconciled_difference.kind,
    reconciled_difference.believed,
    reconciled_difference.accepted,
    reconciled_difference.knows_contact,
    reconciled_difference.repaired
FROM reconciled_difference
JOIN destination USING (destination_id)
JOIN audience USING (audience_id);
COMMENT ON VIEW reconciled_differences IS 'Where a destination believes something else than it had accepted';
COMMENT ON COLUMN reconciled_differences.reconciliation_id IS 'The reconciliation that found it';
COMMENT ON COLUMN reconciled_differences.destination IS 'The name of the destination';
COMMENT ON COLUMN reconciled_differences.audience IS 'The name of the audience, or of the computed trait';
COMMENT ON COLUMN reconciled_differences.property IS 'The key that the destination has for it';
COMMENT ON COLUMN reconciled_differences.contact IS 'The key that the destination knows the person by';
COMMENT ON COLUMN reconciled_differences.kind IS 'missing, stale, untold or changed: see reconciliations';
COMMENT ON COLUMN reconciled_differences.believed IS 'What the destination says, as JSON, cut; null: nothing';
COMMENT ON COLUMN reconciled_differences.accepted IS 'What it had accepted, as JSON, cut; null: nothing';
COMMENT ON COLUMN reconciled_differences.knows_contact IS 'Whether it knows the contact at all';
COMMENT ON COLUMN reconciled_differences.repaired IS 'Whether it was made due for the next run';

CREATE VIEW operator_actions AS
SELECT at, actor, action, arguments, run_id, uid, database_user
FROM operator_action;
COMMENT ON VIEW operator_actions IS 'What people told syncer to do';
COMMENT ON COLUMN operator_actions.at IS 'When';
COMMENT ON COLUMN operator_actions.actor IS
'Who asked: the account, or its number, and the host; or the name of a token, and its address';
COMMENT ON COLUMN operator_actions.action IS 'The command';
COMMENT ON COLUMN operator_actions.arguments IS 'Its arguments';
COMMENT ON COLUMN operator_actions.run_id IS 'The run that it made or was about; null if none';
COMMENT ON COLUMN operator_actions.uid IS 'Who asked: the number of the account; null for a token of the console';
COMMENT ON COLUMN operator_actions.database_user IS 'Who asked: the role that logged in to the state';
