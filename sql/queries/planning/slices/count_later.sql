-- Purpose: counts what comes after the first slice, by audience: at most so many contacts.
-- Parameters: first (the contact with which the second slice begins).
-- Rows: audience_id, contacts.
SELECT audience_id, count(*) AS contacts
FROM member_delta
WHERE kind = 'gain' AND contact >= %(first)s
GROUP BY audience_id
