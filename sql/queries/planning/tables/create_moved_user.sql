-- Purpose: creates the table of the users whom a false to an old contact names, though they are in the audience by
-- another contact: `user_id` is told their present value by a call to the contact `follower`, after those falses.
-- fit: 0, the follower's call goes and names the user anyway; 1, it would name them, and is made for them; 2, it names
-- another user of the contact, and is made for this one; 3, it has to name another user in this run; 4, it waits.
-- returns: no call of this plan names them with a false; one did before.
-- Rows: none.
CREATE TEMPORARY TABLE moved_user (
    user_id text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    returns boolean NOT NULL,
    follower text COLLATE "C" NOT NULL,
    value jsonb,
    fit smallint NOT NULL
) ON COMMIT DROP
