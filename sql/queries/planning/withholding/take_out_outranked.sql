-- Purpose: takes the rows of one audience of a priority out of the snapshot that are of a user or a contact who still
-- has a row of an audience that comes before it. A row that cannot be sent counts too: whom it names stays as told.
-- Parameters: names (of the audience), before (the names of those that come first, the first one first), priority.
-- Rows: none; fills taken_out.
WITH higher AS MATERIALIZED (
    SELECT
        CASE WHEN contact_of(snapshot_member.user_id) <> '' THEN snapshot_member.user_id END AS user_id,
        nullif(contact_of(snapshot_member.email), '') AS contact,
        array_position(%(before)s::text[], snapshot_member.audience::text) AS place
    FROM snapshot_member
    WHERE snapshot_member.audience = ANY (%(before)s::text[])
),
by_user AS (
    SELECT higher.user_id, min(higher.place) AS place
    FROM higher
    WHERE higher.user_id IS NOT NULL
    GROUP BY higher.user_id
),
by_contact AS (
    SELECT higher.contact, min(higher.place) AS place
    FROM higher
    WHERE higher.contact IS NOT NULL
    GROUP BY higher.contact
),
found AS (
    SELECT staged.ctid AS row, least(by_user.place, by_contact.place) AS place
    FROM snapshot_member AS staged
    LEFT JOIN by_user ON by_user.user_id = staged.user_id
    LEFT JOIN by_contact ON by_contact.contact = contact_of(staged.email)
    WHERE staged.audience = ANY (%(names)s::text[])
        AND (by_user.user_id IS NOT NULL OR by_contact.contact IS NOT NULL)
),
taken AS (
    DELETE FROM snapshot_member
    USING found
    WHERE snapshot_member.ctid = found.row
    RETURNING snapshot_member.*, found.place
)
INSERT INTO taken_out (audience, user_id, email, unsendable, traits, value, value_type, reason, because)
SELECT
    taken.audience,
    taken.user_id,
    taken.email,
    taken.unsendable,
    taken.traits,
    taken.value,
    taken.value_type,
    'outranked',
    format('%%s comes first in the priority %%s', (%(before)s::text[])[taken.place], %(priority)s::text)
FROM taken
