-- Purpose: creates the table of what the state has of the contacts that the plan is about: all rows of such a contact.
-- Rows: none.
CREATE TEMPORARY TABLE known_member (
    audience_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    value jsonb
) ON COMMIT DROP
