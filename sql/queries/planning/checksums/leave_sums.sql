-- Purpose: leaves what the snapshot's rows add up to, by group of users. A group of which anything differs has no sum.
-- What is right already is not written again.
-- Parameters: destination_id, reading; audience_id, name, fingerprint (parallel arrays).
-- Rows: none.
WITH present AS (
    SELECT asked.audience_id, asked.fingerprint, coalesce(without.sums, audience_sum.sums) AS sums
    FROM unnest(%(audience_id)s::integer[], %(name)s::text[], %(fingerprint)s::text[])
        AS asked (audience_id, name, fingerprint)
    JOIN audience_sum ON audience_sum.name = asked.name COLLATE "C"
    LEFT JOIN (
        SELECT given.audience_id, array_agg(changed_group.member_group) AS places
        FROM unnest(%(audience_id)s::integer[]) AS given (audience_id)
        JOIN changed_group USING (audience_id)
        GROUP BY given.audience_id
    ) AS changed ON changed.audience_id = asked.audience_id
    LEFT JOIN LATERAL (
        SELECT array_agg(CASE WHEN differing.place IS NULL THEN each.total END ORDER BY each.place) AS sums
        FROM unnest(audience_sum.sums) WITH ORDINALITY AS each (total, place)
        LEFT JOIN unnest(changed.places) AS differing (place) ON differing.place = each.place - 1
        WHERE changed.places IS NOT NULL
    ) AS without ON true
)
INSERT INTO member_sum (destination_id, audience_id, reading, fingerprint, sums)
SELECT %(destination_id)s, present.audience_id, %(reading)s, present.fingerprint, present.sums
FROM present
LEFT JOIN member_sum AS kept
    ON kept.destination_id = %(destination_id)s AND kept.audience_id = present.audience_id
WHERE kept.reading IS DISTINCT FROM %(reading)s
    OR kept.hashing <> hashtextextended('syncer', 0)
    OR kept.fingerprint IS DISTINCT FROM present.fingerprint
    OR kept.sums IS DISTINCT FROM present.sums
ON CONFLICT (destination_id, audience_id) DO UPDATE
SET reading = excluded.reading,
    hashing = excluded.hashing,
    fingerprint = excluded.fingerprint,
    sums = excluded.sums
