-- Purpose: creates the table of what the snapshot says of each contact beside its audiences: the email, where the
-- contact is a user id, and the traits that go along with its calls. It stays empty where there is nothing of that
-- kind.
-- Rows: none.
CREATE TEMPORARY TABLE profile (
    contact text COLLATE "C" PRIMARY KEY,
    email text COLLATE "C",
    traits jsonb NOT NULL
) ON COMMIT DROP
