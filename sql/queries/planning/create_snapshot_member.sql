-- Purpose: creates the private table for the rows of a warehouse that is not the state's own database.
-- traits: the special traits that go along with a call, by the names they are sent under.
-- value, value_type: of a computed trait.
-- The table lives as long as the session: a process that dies leaves nothing behind, and no row is ever another run's.
-- Rows: none.
CREATE TEMPORARY TABLE snapshot_member (
    audience text COLLATE "C",
    user_id text COLLATE "C",
    email text COLLATE "C",
    unsendable boolean NOT NULL,
    traits jsonb,
    value jsonb,
    value_type text
) ON COMMIT PRESERVE ROWS
