-- Purpose: what the snapshot says of each contact beside its audiences: the email, where the contact is no email, and
-- the traits that go along. Empty where there is nothing to say.
-- Rows: none.
CREATE TEMPORARY TABLE profile (
    contact text COLLATE "C" PRIMARY KEY,
    email text COLLATE "C",
    traits jsonb NOT NULL
) ON COMMIT DROP
