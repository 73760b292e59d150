-- Purpose: a part of the list of rows that cannot be told at a destination, in the order of their fingerprints. It
-- reads so many rows and no more.
-- Parameters: destination; fingerprint (in hexadecimal, the place after which it begins; null: the beginning); reason
-- (null: any); most (rows that are read), limit.
-- Rows: audience, user_id, email, reason, since, since_run_id; place (fingerprint as JSON), listed, nth (see `Line`).
SELECT
    read.audience,
    read.user_id,
    read.email,
    read.reason,
    read.since,
    read.since_run_id,
    jsonb_build_array(encode(read.fingerprint, 'hex')) AS place,
    read.listed,
    read.nth
FROM (
    SELECT
        skipped_member.*,
        %(reason)s::text IS NULL OR skipped_member.reason = %(reason)s AS listed,
        row_number() OVER (ORDER BY skipped_member.fingerprint) AS nth
    FROM (
        SELECT fingerprint, audience, user_id, email, reason, since, since_run_id
        FROM skipped_member
        WHERE destination_id = (SELECT destination_id FROM destination WHERE name = %(destination)s)
            AND (%(fingerprint)s::text IS NULL OR fingerprint > decode(%(fingerprint)s::text, 'hex'))
        ORDER BY fingerprint
        LIMIT %(most)s
    ) AS skipped_member
) AS read
WHERE read.listed OR read.nth = %(most)s
ORDER BY read.fingerprint
LIMIT %(limit)s
