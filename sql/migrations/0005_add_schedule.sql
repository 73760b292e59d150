-- The daemon: who leads between runs, and when the next run is due.

-- `kind`: a daemon leads all its life, a command for one run.
ALTER TABLE leader ADD COLUMN kind text NOT NULL DEFAULT 'command' CHECK (kind IN ('daemon', 'command'));

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

-- `deferred`: changes that wait for the next run, because this one could not tell them before that is due;
-- of them `deferred_add` to be told true.
ALTER TABLE run_count
    ADD COLUMN deferred bigint NOT NULL DEFAULT 0,
    ADD COLUMN deferred_add bigint NOT NULL DEFAULT 0;

-- What is wrong and somebody was told of: see `syncer/alerts.py`. Names destinations and audiences, and no person.
CREATE TABLE alert (
    kind text NOT NULL CHECK (kind IN ('failed', 'refused', 'held', 'incomplete', 'late')),
    subject text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, subject)
);

-- How many different contacts and, by audience, different users a destination has in `synced_member` (people who were
-- forgotten aside), so that a plan need not count the snapshot. No row: not counted. Exact between runs; see `syncer/census.py`.
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

-- Users are looked up by audience too, also before anybody has analyzed the table.
DROP INDEX synced_member_by_user;
CREATE INDEX synced_member_by_user ON synced_member (user_id, audience_id);
