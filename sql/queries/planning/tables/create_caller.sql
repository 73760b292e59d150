-- Purpose: creates the table of what each contact's calls carry beside its properties: the user id; the email, where
-- the contact is a user id; and the traits that go along.
-- Rows: none.
CREATE TEMPORARY TABLE caller (
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    traits jsonb
) ON COMMIT DROP
