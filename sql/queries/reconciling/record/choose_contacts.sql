-- Purpose: chooses whom the destination is asked about: of all whom it was told something of and is about, as many as
-- the sample holds, by a hash with the seed, so that a larger sample of that seed contains the smaller.
-- Parameters: reconciliation_id; reach_contacts, rollout (the destination's reach).
-- Rows: none; fills contact_to_ask, and counts those whom it chose from.
WITH told AS (
    SELECT DISTINCT known.contact, hashtextextended(known.contact, hashtextextended(known.seed::text, 0)) AS by_chance
    FROM (
        SELECT reconciliation.seed, reconciliation.audience_ids, synced_member.audience_id, synced_member.contact
        FROM reconciliation
        JOIN synced_member USING (destination_id)
        WHERE reconciliation.reconciliation_id = %(reconciliation_id)s
        UNION ALL
        SELECT reconciliation.seed, reconciliation.audience_ids, told_false.audience_id, told_false.contact
        FROM reconciliation
        JOIN told_false USING (destination_id)
        WHERE reconciliation.reconciliation_id = %(reconciliation_id)s
    ) AS known
    WHERE (known.audience_ids IS NULL OR known.audience_id = ANY (known.audience_ids))
        AND is_in_reach(known.contact, %(reach_contacts)s::text[], %(rollout)s::float8)
        AND NOT is_token(known.contact)
),

counted AS (
    UPDATE reconciliation
    SET contacts = (SELECT count(*) FROM told)
    WHERE reconciliation.reconciliation_id = %(reconciliation_id)s
)

INSERT INTO contact_to_ask (reconciliation_id, place, contact)
SELECT %(reconciliation_id)s, row_number() OVER (ORDER BY told.by_chance, told.contact), told.contact
FROM told
ORDER BY told.by_chance, told.contact
LIMIT (
    SELECT reconciliation.sample FROM reconciliation WHERE reconciliation.reconciliation_id = %(reconciliation_id)s
)
