-- Purpose: a part of the list of contacts that a destination refused and has not accepted since, by contact. It reads
-- so many rows and no more.
-- Parameters: destination; contact (the place after which it begins; null: the beginning); parked (only those that no
-- run tries again); most (rows that are read), limit.
-- Rows: contact, user_id, reason, http_status, since, since_run_id, tries, next_try_run_id; place (contact as JSON),
-- listed, nth (see `Line`).
SELECT
    read.contact,
    read.user_id,
    read.reason,
    read.http_status,
    read.since,
    read.since_run_id,
    read.tries,
    read.next_try_run_id,
    jsonb_build_array(read.contact) AS place,
    read.listed,
    read.nth
FROM (
    SELECT
        refused_contact.*,
        NOT %(parked)s OR refused_contact.next_try_run_id IS NULL AS listed,
        row_number() OVER (ORDER BY refused_contact.contact) AS nth
    FROM (
        SELECT contact, user_id, reason, http_status, since, since_run_id, tries, next_try_run_id
        FROM refused_contact
        WHERE destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND (%(contact)s::text IS NULL OR contact > %(contact)s::text)
        ORDER BY contact
        LIMIT %(most)s
    ) AS refused_contact
) AS read
WHERE read.listed OR read.nth = %(most)s
ORDER BY read.contact
LIMIT %(limit)s
