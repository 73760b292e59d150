"""A long past: runs with all that they leave in the state, written by set-based SQL as if they had taken place.

In each run as many enter as leave: those who entered in the run before. So the history adds up to the state, and a run
may follow. Of the identifies of each page one is refused. Every hundredth run holds something, and every twelfth is
followed by a reconciliation. The runs are two hours apart, the last is of today.
"""

from collections.abc import Iterable, Iterator, Mapping

import psycopg

from syncer.state import blocks
from tests.bench.server import Server
from tests.world import begin_history

PAGE_SIZE = 500

# Nobody who enters was in: see `warehouse.FILL`, whose people are in the audiences of their first to ninth place. Who
# comes round again enters the next of five audiences, so that what is told false has an end.
_MOVE = """
CREATE OR REPLACE FUNCTION pg_temp.moving(run integer, entering integer, people integer)
RETURNS TABLE (nth integer, person integer, audience text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT number, moved.person,
        'Audience ' || lpad((((moved.dice >> 8) + (10 + moved.round % 5) * 11) % 100)::text, 3, '0')
    FROM (
        SELECT number, 1 + (run::bigint * entering + number) % people AS person,
            (run::bigint * entering + number) / people AS round,
            hashint8extended(1 + (run::bigint * entering + number) % people, 7) & 9223372036854775807 AS dice
        FROM generate_series(0, entering - 1) AS number
    ) AS moved;
END
"""

_RUNS = """
INSERT INTO run (
    run_id, trigger, phase, status, started_at, finished_at, snapshot_at, memberships, contacts, read, read_because,
    read_rows, read_bytes, syncer_version, host, pid
)
OVERRIDING SYSTEM VALUE
SELECT n, 'schedule', 'closed', CASE WHEN n % 100 = 0 THEN 'held' ELSE 'incomplete' END, at, at + interval '1 minute',
    at + interval '1 second', %(memberships)s, %(people)s, 'everything', 'it is read in place', 0, 0, '0', 'bench', 1
FROM generate_series(%(first)s::integer, %(last)s) AS n
CROSS JOIN LATERAL (SELECT now() - (%(runs)s - n) * interval '2 hours' - interval '5 minutes') AS began (at)
ON CONFLICT DO NOTHING
"""

_OF_EACH_RUN = (
    """
    INSERT INTO run_destination (
        run_id, destination_id, status, planned, succeeded, failed, requests, answered, skipped
    )
    SELECT n, 1, CASE WHEN n % 100 = 0 THEN 'held' ELSE 'incomplete' END, 2 * %(entering)s,
        2 * %(entering)s - 2 * %(pages)s, 2 * %(pages)s, 2 * %(pages)s, true, '{"no_email": 1000}'
    FROM generate_series(%(first)s::integer, %(last)s) AS n
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO run_audience (run_id, position, audience_id, name, property, members)
    SELECT n, audience_id - 1, audience_id, name, property, %(memberships)s / 100
    FROM generate_series(%(first)s::integer, %(last)s) AS n CROSS JOIN audience
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO run_count (
        run_id, destination_id, audience_id, members, planned_add, planned_remove, succeeded_add, succeeded_remove,
        held, initial
    )
    SELECT n, 1, audience_id, %(memberships)s / 100, %(entering)s / 100, %(entering)s / 100, %(entering)s / 100,
        %(entering)s / 100, CASE WHEN n % 100 = 0 AND audience_id = 1 THEN 1000 ELSE 0 END, false
    FROM generate_series(%(first)s::integer, %(last)s) AS n CROSS JOIN audience
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO told_count (destination_id, audience_id, succeeded_add, succeeded_remove, failed_add, failed_remove)
    SELECT destination_id, audience_id, sum(succeeded_add), sum(succeeded_remove), sum(failed_add), sum(failed_remove)
    FROM run_count
    WHERE run_id BETWEEN %(first)s AND %(last)s
    GROUP BY destination_id, audience_id
    ON CONFLICT (destination_id, audience_id) DO UPDATE
    SET succeeded_add = told_count.succeeded_add + excluded.succeeded_add,
        succeeded_remove = told_count.succeeded_remove + excluded.succeeded_remove
    """,
    """
    INSERT INTO sync_page (
        run_id, destination_id, page, urgency, status, identifies, requests, attempted_at, settled_at
    )
    SELECT run_id, 1, page, CASE WHEN page > %(pages)s THEN 2 ELSE 1 END, 'done', %(page_size)s, 1, snapshot_at,
        snapshot_at
    FROM run CROSS JOIN generate_series(1, 2 * %(pages)s) AS page
    WHERE run_id BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO sync_change (
        run_id, destination_id, page, audience_id, op, effect, part, lead, contact, user_id, value, entered_at,
        entered_run_id
    )
    SELECT moved.run_id, 1,
        1 + moved.first_page + (row_number() OVER (PARTITION BY moved.run_id, moved.op ORDER BY moved.contact) - 1)
            / %(page_size)s,
        moved.audience_id, moved.op, moved.effect, 0, true, moved.contact, moved.user_id, moved.value,
        moved.entered_at, moved.entered_run_id
    FROM (
        SELECT told.run_id, told.first_page, audience.audience_id, told.op, told.effect, told.value,
            'person' || moving.person || '@example.com' AS contact, 'u' || lpad(moving.person::text, 9, '0') AS user_id,
            told.entered_at, told.entered_run_id
        FROM (
            SELECT run_id, run_id AS moved_in, %(pages)s AS first_page, 'added'::change_op AS op,
                'gain'::row_effect AS effect, 'true'::jsonb AS value, NULL::timestamptz AS entered_at,
                NULL::integer AS entered_run_id
            FROM run WHERE run_id BETWEEN %(first)s AND %(last)s
            UNION ALL
            SELECT run_id, run_id - 1, 0, 'removed', 'lose', 'false', snapshot_at - interval '2 hours', run_id - 1
            FROM run WHERE run_id BETWEEN greatest(%(first)s, 3) AND %(last)s
        ) AS told
        CROSS JOIN LATERAL pg_temp.moving(told.moved_in, %(entering)s, %(people)s) AS moving
        JOIN audience ON audience.name = moving.audience
    ) AS moved
    ORDER BY 1, 3, moved.contact
    """,
    """
    INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id)
    SELECT destination_id, audience_id, max(run_id), now(), contact, min(user_id)
    FROM sync_change
    WHERE op = 'removed' AND run_id BETWEEN %(first)s AND %(last)s
    GROUP BY destination_id, audience_id, contact
    ON CONFLICT (destination_id, contact, audience_id) DO UPDATE SET told_run_id = excluded.told_run_id
    """,
    """
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status)
    SELECT DISTINCT ON (run_id, page) run_id, 1, page, contact, 0, 'failed'::identify_outcome, 'the words of refusal',
        400
    FROM sync_change
    WHERE run_id BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO operator_action (at, actor, database_user, action, arguments, run_id)
    SELECT started_at, 'somebody@bench', 'bench', 'sync', '{"audiences": [], "destinations": []}', run_id
    FROM run WHERE run_id BETWEEN %(first)s AND %(last)s AND run_id % 10 = 0
    """,
    """
    INSERT INTO reconciliation (
        destination_id, sample, repairs, scheduled, actor, started_at, finished_at, contacts, asked, equal, differing,
        missing
    )
    SELECT 1, 1000, false, true, 'the daemon', finished_at, finished_at, %(people)s, 1000, 995, 5, 5
    FROM run WHERE run_id BETWEEN %(first)s AND %(last)s AND run_id % 12 = 0
    """,
    """
    INSERT INTO reconciled_difference (
        reconciliation_id, destination_id, audience_id, contact, kind, knows_contact, repaired
    )
    SELECT reconciliation_id, 1, 1, 'person' || n || '@example.com', 'missing', true, false
    FROM reconciliation CROSS JOIN generate_series(1, 5) AS n
    WHERE NOT EXISTS (
        SELECT FROM reconciled_difference AS known WHERE known.reconciliation_id = reconciliation.reconciliation_id
    )
    """,
    """
    INSERT INTO held_out (audience_id, user_id, since, since_run_id, until, until_run_id)
    SELECT 1 + n % 100, 'u' || lpad(n::text, 9, '0'), started_at, run_id, finished_at, run_id
    FROM run CROSS JOIN generate_series(1, 20) AS n
    WHERE run_id BETWEEN %(first)s AND %(last)s
    """,
)

# What stands after the last run.
_STANDING = (
    "DELETE FROM synced_member WHERE entered_run_id > 1",
    """
    INSERT INTO synced_member (
        destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id
    )
    SELECT 1, audience.audience_id, %(last)s, %(last)s, now(), 'person' || moving.person || '@example.com',
        'u' || lpad(moving.person::text, 9, '0')
    FROM pg_temp.moving(%(last)s, %(entering)s, %(people)s) AS moving
    JOIN audience ON audience.name = moving.audience
    ON CONFLICT DO NOTHING
    """,
    "TRUNCATE refused_contact, uncertain, skipped_member, held_change",
    """
    INSERT INTO refused_contact (
        destination_id, contact, user_id, reason, http_status, since, since_run_id, tries, next_try_run_id,
        fingerprint, added, removed
    )
    SELECT 1, contact, 'u', reason, http_status, now(), %(last)s, 1, %(last)s + 1, '', '{1}', '{}'
    FROM sync_exception WHERE run_id > %(last)s - 100
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id)
    SELECT 1, 1, %(last)s, 'person' || n || '@example.com', 'u' FROM generate_series(1, 1000) AS n
    """,
    """
    INSERT INTO skipped_member (
        destination_id, fingerprint, audience_id, audience, user_id, reason, since, since_run_id
    )
    SELECT 1, sha256(('x' || n)::bytea), 1, 'Audience 001', 'u' || n, 'no_email', now(), %(last)s
    FROM generate_series(1, 1000) AS n
    """,
    """
    INSERT INTO held_change (destination_id, audience_id, contact, user_id, op, reason, since, since_run_id)
    SELECT 1, 1, 'person' || n || '@example.com', 'u', 'removed', 'too many', now(), %(last)s / 100 * 100
    FROM generate_series(1, 1000) AS n
    """,
    "SELECT setval('run_run_id_seq', %(last)s)",
)


def fill(server: Server, memberships: int, runs: int, changes: int) -> Iterator[int]:
    """Adds the runs that a state, which `ours.seed` has made, still lacks; says after each block how many there are."""
    people = memberships // 5
    entering = changes // runs // 2
    sizes: dict[str, object] = {
        "memberships": memberships,
        "people": people,
        "runs": runs,
        "entering": entering,
        "pages": -(-entering // PAGE_SIZE),
        "page_size": PAGE_SIZE,
    }
    with psycopg.connect(server.url, autocommit=True) as state:
        state.execute("SET search_path = syncer, pg_catalog; SET synchronous_commit = off; SET work_mem = '256MB'")
        state.execute(_MOVE)
        row = state.execute("SELECT max(run_id) FROM run").fetchone()
        first = 1 + (row[0] if row else 0)
        if first > runs:
            return
        while first <= runs:
            block = blocks.of_run(state, first)
            begin_history(state, first, first)
            last = min(runs, block.end_run - 1)
            _run_all(state, (_RUNS, *_OF_EACH_RUN), {**sizes, "first": first, "last": last})
            state.execute("CHECKPOINT")
            yield last
            first = last + 1
        _run_all(state, _STANDING, {**sizes, "last": runs})
        state.execute("VACUUM ANALYZE")


def _run_all(state: psycopg.Connection, statements: Iterable[str], sizes: Mapping[str, object]) -> None:
    with state.transaction():
        for statement in statements:
            state.execute(statement.replace(" % ", " %% "), sizes)
