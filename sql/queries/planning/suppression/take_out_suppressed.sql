-- Purpose: takes the rows of whoever is suppressed out of the snapshot.
-- Rows: none; fills taken_out.
WITH found AS (
    SELECT snapshot_member.ctid AS place
    FROM snapshot_member
    JOIN suppressed_person
        ON suppressed_person.kind = 'contact' AND suppressed_person.name = contact_of(snapshot_member.email)
    UNION
    SELECT snapshot_member.ctid
    FROM snapshot_member
    JOIN suppressed_person ON suppressed_person.kind = 'user' AND suppressed_person.name = snapshot_member.user_id
),
taken AS (
    DELETE FROM snapshot_member
    USING found
    WHERE snapshot_member.ctid = found.place
    RETURNING snapshot_member.*
)
INSERT INTO taken_out
SELECT taken.*, 'suppressed', NULL
FROM taken
