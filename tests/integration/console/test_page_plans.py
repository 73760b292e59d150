"""No page reads a table of people, or the history, from its beginning to its end; nor all runs for every audience.

The plans are those of the pages' own statements, on a state of some size: many runs, and rows of people that belong to
other destinations than the one that is asked for. What is guarded here took 5 ms where it took seconds without.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer.state import State
from tests.databases import Databases
from tests.integration.console.conftest import Served
from tests.integration.test_query_plans import Plan, explained_by, nodes, read_whole
from tests.world import World, begin_history

pytestmark = pytest.mark.not_audited("its members are written into the state, and were never told")

QUERIES = Path(__file__).parents[3] / "sql" / "queries"
RUNS, AUDIENCES, PEOPLE = 1_990, 20, 30_000
OF_PEOPLE = {
    "synced_member", "told_false", "uncertain", "refused_contact", "held_change", "skipped_member", "sync_change",
    "sync_exception", "run_count", "run_audience",
}  # fmt: skip

FILL = (
    """
    INSERT INTO audience (name, property)
    SELECT 'Audience ' || n, 'audience_' || n FROM generate_series(1, %(audiences)s) AS n
    """,
    """
    INSERT INTO destination (name, account)
    SELECT name, '{"type": "segment", "endpoint": "127.0.0.1"}' FROM unnest(ARRAY['segment', 'other']) AS name
    """,
    """
    INSERT INTO run (
        trigger, phase, status, started_at, finished_at, snapshot_at, memberships, contacts, syncer_version, host, pid
    )
    SELECT 'schedule', 'closed', 'succeeded', now() - (%(runs)s - n) * interval '2 hours', now(), now(), 1, 1, '0',
        'h', 1
    FROM generate_series(1, %(runs)s) AS n
    """,
    """
    INSERT INTO run_audience (run_id, position, audience_id, name, property, members)
    SELECT run_id, audience_id, audience_id, name, property, 1000 FROM run CROSS JOIN audience
    """,
    """
    INSERT INTO run_destination (run_id, destination_id, status, planned, succeeded, failed)
    SELECT run_id, destination_id, 'succeeded', 1000, 990, 10 FROM run CROSS JOIN destination
    """,
    """
    INSERT INTO run_count (
        run_id, destination_id, audience_id, members, planned_add, planned_remove, succeeded_add, succeeded_remove,
        held, initial
    )
    SELECT run_id, destination_id, audience_id, 1000, 20, 15, 20, 15,
        CASE WHEN run_id = %(runs)s THEN 9 ELSE 0 END, false
    FROM run CROSS JOIN destination CROSS JOIN audience
    """,
    "CREATE TABLE synced_member_1 PARTITION OF synced_member FOR VALUES IN (1)",
    "CREATE TABLE synced_member_2 PARTITION OF synced_member FOR VALUES IN (2)",
    "CREATE TABLE told_false_1 PARTITION OF told_false FOR VALUES IN (1)",
    """
    INSERT INTO synced_member (
        destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id
    )
    SELECT 1 + n %% 2, 1 + n %% %(audiences)s, 1, 1 + n %% %(runs)s, now(), 'p' || n || '@example.com', 'u' || n
    FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id)
    SELECT 1, 1, 1, now(), 'p' || n || '@example.com', 'u' || n FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO held_change (destination_id, audience_id, contact, user_id, op, reason, since, since_run_id)
    SELECT 2, 1 + n %% 2, 'p' || n || '@example.com', 'u' || n, 'removed', 'too many', now(), %(runs)s
    FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO refused_contact (
        destination_id, contact, user_id, reason, since, since_run_id, tries, next_try_run_id, fingerprint, added,
        removed
    )
    SELECT 2, 'p' || n || '@example.com', 'u' || n, 'no', now(), 1, 1, %(runs)s + 1, '', '{}', '{}'
    FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO uncertain (destination_id, audience_id, since_run_id, contact, user_id)
    SELECT 2, 1, 1, 'p' || n || '@example.com', 'u' || n FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO skipped_member (
        destination_id, fingerprint, audience_id, audience, user_id, reason, since, since_run_id
    )
    SELECT 2, sha256(('x' || n)::bytea), 1, 'Audience 1', 'u' || n, 'no_email', now(), 1
    FROM generate_series(1, %(people)s) AS n
    """,
    """
    INSERT INTO sync_page (run_id, destination_id, page, urgency, status, identifies, settled_at)
    SELECT run_id, 1, n, 1, 'done', 100, now()
    FROM run CROSS JOIN generate_series(1, 20) AS n
    WHERE (run_id - 1) %% 250 BETWEEN 230 AND 239
    """,
    """
    INSERT INTO sync_change (
        run_id, destination_id, page, audience_id, op, effect, part, lead, contact, user_id, value
    )
    SELECT sync_page.run_id, 1, page, 1 + n %% %(audiences)s, 'added', 'gain', 0, true,
        'p' || person || '@example.com', 'u' || person, 'true'
    FROM sync_page CROSS JOIN generate_series(0, 24) AS n
    CROSS JOIN LATERAL (SELECT (run_id * 500 + page * 25 + n) %% %(people)s AS person) AS moved
    """,
    """
    INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status)
    SELECT run_id, destination_id, page, contact, 0, 'failed', repeat('bad ', 100), 400
    FROM sync_change
    WHERE page %% 2 = 0
    """,
    "ANALYZE",
)  # fmt: skip
"""Statements that fill the state, each with the numbers above."""

PAGES = (
    "/now.json", "/runs.json", "/runs.json?audience=audience_3&destination=other", f"/runs/{RUNS}.json",
    "/audiences/audience_3.json", "/destinations.json", "/person.json?who=u77",
    "/lists/members.json?destination=segment", "/lists/members.json?destination=segment&told_before=1",
    "/lists/held.json?destination=segment", "/lists/held.json?destination=other&audience=audience_2",
    "/lists/refused.json?destination=segment", "/lists/parked.json?destination=other",
    "/lists/uncertain.json?destination=segment", "/lists/left_uncertain.json?destination=other",
    "/lists/skipped.json?destination=segment", "/lists/skipped.json?destination=other&reason=invalid_email",
    f"/runs/{RUNS}/accepted.json?destination=segment",
    f"/runs/{RUNS}/accepted.json?destination=segment&audience=audience_3",
    f"/runs/{RUNS}/refused.json?destination=segment", f"/runs/{RUNS}/unanswered.json?destination=segment",
)  # fmt: skip


@pytest.fixture(scope="module")
def full(databases: Databases, template: str) -> Iterator[str]:
    """The name of a database with such a state."""
    name = f"full_{os.getpid()}"
    url = databases.create(name, template)
    with State(url, "syncer").connect("test") as connection:
        connection.execute("SET synchronous_commit = off")
        begin_history(connection, 1, RUNS)
        for statement in FILL:
            connection.execute(statement, {"runs": RUNS, "audiences": AUDIENCES, "people": PEOPLE})
    yield name
    databases.drop(url)


@pytest.fixture
def filled(full: str, world: World, new_database: Callable[..., str]) -> World:
    world.state_url = new_database(full)
    return world


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Plan]]:
    rooms = ("console", "control", "audit", "state/status", "state/history")
    asked = {file.stem for room in rooms for file in (QUERIES / room).rglob("*.sql")}
    asked -= {"limit_page", "who_was_told"}  # of what test_query_plans.py guards, on a larger state
    return explained_by(monkeypatch, asked.__contains__)


def test_no_page_reads_a_large_table_whole(filled: World, served: Served, explained: dict[str, list[Plan]]) -> None:
    console = served(filled)
    for path in PAGES:
        explained.clear()
        answer = console.get(path)
        assert answer.status_code == 200, answer.text
        assert explained
        for name, plans in explained.items():
            for plan in plans:
                assert not read_whole(plan) & OF_PEOPLE, (path, name)
        for plan in explained.get("list_flapping", ()):  # what became of each contact's changes is looked up
            hashed = [node for whole in nodes(plan) if whole["Node Type"] == "Hash" for node in nodes(whole)]
            assert not [node for node in hashed if node.get("Relation Name", "").startswith(("sync_page", "sync_exc"))]
