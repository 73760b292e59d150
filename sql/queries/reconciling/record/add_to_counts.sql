-- Purpose: adds what was found out about a page of contacts.
-- Parameters: reconciliation_id, asked, equal, differing, moved, missing, stale, untold, changed, repaired; unreadable
-- (how many, by reason).
-- Rows: none.
UPDATE reconciliation
SET moved_at = clock_timestamp(),
    asked = asked + %(asked)s,
    equal = equal + %(equal)s,
    differing = differing + %(differing)s,
    moved = moved + %(moved)s,
    missing = missing + %(missing)s,
    stale = stale + %(stale)s,
    untold = untold + %(untold)s,
    changed = changed + %(changed)s,
    repaired = repaired + %(repaired)s,
    unreadable = (
        SELECT coalesce(jsonb_object_agg(added.reason, added.contacts), '{}')
        FROM (
            SELECT counted.reason, sum(counted.contacts::bigint) AS contacts
            FROM (
                SELECT before.key AS reason, before.value AS contacts
                FROM jsonb_each_text(reconciliation.unreadable) AS before
                UNION ALL
                SELECT page.key, page.value
                FROM jsonb_each_text(%(unreadable)s::jsonb) AS page
            ) AS counted
            GROUP BY counted.reason
        ) AS added
    )
WHERE reconciliation_id = %(reconciliation_id)s
