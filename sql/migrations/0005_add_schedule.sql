-- The daemon: who leads between runs, and when the next run is due.

-- `kind`: a daemon leads all its life, a command for one run.
ALTER TABLE leader ADD COLUMN kind text NOT NULL DEFAULT 'command' CHECK (kind IN ('daemon', 'command'));

-- When the leading daemon wants to run next; it outlives the daemon.
CREATE TABLE schedule (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_due_at timestamptz NOT NULL
);
