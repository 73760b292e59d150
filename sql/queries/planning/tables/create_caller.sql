-- Purpose: what each contact's call carries beside its properties: the user id; the email, where the contact is no
-- email; and the traits that go along.
-- Rows: none.
CREATE TEMPORARY TABLE caller (
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    traits jsonb
) ON COMMIT DROP
