"""What a long history must not cost: no question of the documents reads it whole, and no run does."""

import pytest
from psycopg.rows import tuple_row

from syncer import sql
from syncer.state import Connection, execute
from tests.integration.console.test_page_plans import OF_PEOPLE, RUNS, filled, full
from tests.integration.test_query_plans import explained_by, nodes, read_whole
from tests.world import World

__all__ = ["filled", "full"]

pytestmark = pytest.mark.not_audited("its members are written into the state, and were never told")

# As in the README and in sql/README.md.
BY_A_KEY = {
    "membership": "SELECT * FROM audience_membership_history WHERE contact = 'p77@example.com' ORDER BY entered_at",
    "changelog of a contact": "SELECT * FROM sync_changelog WHERE contact = 'p77@example.com' ORDER BY run_id",
    "changelog of a run": f"SELECT * FROM sync_changelog WHERE run_id = {RUNS} AND status = 'failed'",
    "counts": f"SELECT * FROM sync_run_counts WHERE run_id = {RUNS}",
    "destinations": f"SELECT * FROM sync_run_destinations WHERE run_id = {RUNS}",
}
# Lists of what stands now: nothing that grows with the runs is read for them.
OF_HISTORY = OF_PEOPLE - {"held_change", "refused_contact", "skipped_member"}


def _plan(connection: Connection, statement: str) -> dict[str, object]:
    cursor = connection.cursor(row_factory=tuple_row)
    (row,) = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}").fetchall()
    return dict(row[0][0]["Plan"])


def test_views_are_asked_by_contact_and_by_run(filled: World) -> None:
    with filled.state() as connection:
        for name, question in BY_A_KEY.items():
            assert not read_whole(_plan(connection, question)) & OF_PEOPLE - {"held_change"}, name


def test_what_is_held_finds_its_last_run_among_those_that_held_something(filled: World) -> None:
    with filled.state() as connection:
        plan = _plan(connection, "SELECT * FROM held_changes")
    found = [node for node in nodes(plan) if str(node.get("Relation Name", "")).startswith("run_count")]
    assert {node["Node Type"] for node in found} == {"Index Only Scan"}
    indexes = dict(filled.query("SELECT indexname, indexdef FROM pg_indexes"))
    assert all("held > 0" in indexes[node["Index Name"]] for node in found)
    assert not read_whole(plan) & OF_HISTORY


def test_a_promise_is_judged_by_the_runs_of_sixty_days(filled: World) -> None:
    """Those before 1,270 are older: of two hours each."""
    asked = {"names": ["Audience 3"], "properties": ["audience_3"], "seconds": [3600.0], "destinations": ["segment"]}
    with filled.state() as connection:
        connection.execute("INSERT INTO initial_sync (destination_id, audience_id, ended_run_id) VALUES (1, 3, 1)")
        cursor = connection.cursor(row_factory=tuple_row)
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.query('list_freshness')}"
        (row,) = cursor.execute(explained, asked).fetchall()
    counts = {
        str(node["Relation Name"])
        for node in nodes(row[0][0]["Plan"])
        if str(node.get("Relation Name")).startswith("run_count") and node["Actual Loops"]
    }
    assert counts == {f"run_count_{first_run:010}" for first_run in (1251, 1501, 1751)}


def test_what_the_last_plans_left_is_read_without_the_runs_before(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = explained_by(monkeypatch, "list_kept".__eq__)
    with filled.state() as connection:
        execute(connection, "list_kept", {"destination_ids": [1, 2]})
    (plan,) = explained["list_kept"]
    assert {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node} == {"member_sum", "audience"}
