-- Purpose: the rows that the state has of contacts that the plan is about; of such a contact, all.
-- Rows: none.
CREATE TEMPORARY TABLE known_member (
    audience_id integer NOT NULL,
    contact text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    value jsonb
) ON COMMIT DROP
