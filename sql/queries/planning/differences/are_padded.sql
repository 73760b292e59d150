-- Purpose: says whether blanks surround so many addresses that they are better taken off all of them (see
-- diff_members) than looked up once more (match_padded): by the first rows, since a wrong guess only costs time.
-- Placeholders: source (a relation with audience, user_id, email, unsendable).
-- Parameters: share (of the addresses, from which on that is so).
-- Rows: one: many.
SELECT coalesce(avg((contact_of(first.email) <> lower(first.email))::integer) > %(share)s, false) AS many
FROM (SELECT source.email FROM {source} AS source LIMIT 2000) AS first
