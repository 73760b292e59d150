-- Purpose: creates the table of the groups of users of which something differs (see fill_changed_group).
-- Rows: none.
CREATE TEMPORARY TABLE changed_group (
    audience_id integer NOT NULL,
    member_group integer NOT NULL
) ON COMMIT DROP
