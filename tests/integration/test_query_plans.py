"""Plans that must not get worse unnoticed, of the statements as a run really sends them, on a state of some size.

A plan that looks every row up by itself, or reads everything for every page, is right and fast on the small data of all
other tests, and takes hours on ten million rows.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg.rows import tuple_row

from syncer.receivers.segment import SegmentReceiver
from syncer.state import execute
from tests.databases import Databases
from tests.world import World, Write, begin_history

pytestmark = pytest.mark.not_audited("its members are written into the state, and were never told")

Plan = Mapping[str, Any]

CONTACTS, AUDIENCES, EACH = 30_000, 20, 5
EXPLAINED = (
    "diff_members gather_known digest_plan tally_changes claim_pages load_page settle_pages who_is_it who_was_told"
    " who_changed who_is_pending who_is_refused who_is_held who_is_skipped"
    " clear_refusals clear_unanswered settle_holds list_run_audiences add_retractions list_kept"
    " add_past_contacts add_up_audiences add_up_groups name_callers mark_users_elsewhere count_losses find_followers"
).split()


@pytest.fixture(scope="module")
def known(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Write]:
    """The warehouse of `big`, in the database of its state."""
    url = databases.create(f"known_{os.getpid()}", template)
    with SegmentReceiver("test-write-key") as receiver:
        world = _known_by_all(World(tmp_path_factory.mktemp("known"), Write(url), url, receiver))
    yield world.warehouse
    databases.drop(url)


@pytest.fixture
def big(known: Write, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> World:
    """A state that knows everybody and how it told them, and a warehouse of which one per cent has changed since."""
    url = copy_of(known, new_database)
    return World(tmp_path, known.through(url), url, receiver)


def copy_of(known: Write, new_database: Callable[..., str]) -> str:
    return new_database(str(sqlalchemy.make_url(known.url).database))


@pytest.fixture
def far(known: Write, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> World:
    """The same, with the warehouse elsewhere; it has kept the snapshot of the last run, and moved on since."""
    warehouse = known.through(copy_of(known, new_database))
    world = World(tmp_path, warehouse, copy_of(known, new_database), receiver)
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = 'scratch = "scratch"'
    world.sync()
    world.warehouse.run("UPDATE members SET audience_name = 'Audience 1' WHERE right(user_id, 2) = '55'")
    return world


def _known_by_all(world: World) -> World:
    world.warehouse.run(
        "INSERT INTO members SELECT 'Audience ' || n, 'first', 'first@example.com' FROM generate_series(1, %s) AS n",
        [AUDIENCES],
    )
    world.sync()
    members = """
        SELECT 'Audience ' || 1 + (person + nth * 7) %% %s AS audience_name, 'u' || person AS user_id,
            'person' || person || '@example.com' AS email
        FROM generate_series(1, %s) AS person CROSS JOIN generate_series(1, %s) AS nth
    """
    world.warehouse.run(f"INSERT INTO members {members}", [AUDIENCES, CONTACTS, EACH])
    with world.state() as connection:
        connection.execute(
            f"""
            INSERT INTO synced_member (
                destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id
            )
            SELECT 1, audience.audience_id, 1, 1, now(), m.email, m.user_id
            FROM ({members}) AS m JOIN audience ON audience.name = m.audience_name
            """,
            [AUDIENCES, CONTACTS, EACH],
        )
        connection.execute(
            """
            INSERT INTO sync_change (
                run_id, destination_id, page, audience_id, op, effect, part, lead, contact, user_id, value
            )
            SELECT 1, 1, 10 + row_number() OVER (ORDER BY contact) / 2500, audience_id, 'added', 'gain', 0, true,
                contact, user_id, 'true'
            FROM synced_member
            """
        )
        connection.execute(
            "INSERT INTO told_false (destination_id, audience_id, told_run_id, told_at, contact, user_id)"
            " SELECT 1, 1, 1, now(), 'gone' || n || '@example.com', 'g' || n FROM generate_series(1, 10000) AS n"
        )
        connection.execute("ANALYZE")
    world.warehouse.run("UPDATE members SET audience_name = 'Audience 1' WHERE right(user_id, 2) = '77'")
    world.warehouse.run("ANALYZE")
    return world


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Plan]]:
    return explained_by(monkeypatch, EXPLAINED.__contains__)


def explained_by(monkeypatch: pytest.MonkeyPatch, chosen: Callable[[str], bool]) -> dict[str, list[Plan]]:
    """The plans of our statements of these names, taken right before each is run."""
    found: dict[str, list[Plan]] = {}
    execute = psycopg.Cursor.execute

    def explain_first(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(cursor)
        name = text.partition("/* syncer:")[2].partition(" ")[0]
        if chosen(name):
            explaining = cursor.connection.cursor(row_factory=tuple_row)
            (row,) = execute(explaining, f"EXPLAIN (FORMAT JSON) {text}", params).fetchall()
            found.setdefault(name, []).append((row[0] if isinstance(row[0], list) else json.loads(row[0]))[0]["Plan"])
        return execute(cursor, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", explain_first)
    return found


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def read_whole(plan: Plan) -> set[str]:
    """The tables that the plan reads from their beginning to their end, partitions by the name of their parent."""
    scans = [node for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    return {_parent(node["Relation Name"]) for node in scans}


def looked_up_row_by_row(plan: Plan) -> set[str]:
    """The tables on the inner side of a nested loop: visited once for every row of the outer side."""
    read = (node for child in inner_sides(plan) for node in nodes(child) if "Relation Name" in node)
    return {_parent(node["Relation Name"]) for node in read}


def inner_sides(plan: Plan) -> list[Plan]:
    """What nested loops visit once for every row of their outer side."""
    loops = [node for node in nodes(plan) if node["Node Type"] == "Nested Loop"]
    return [child for loop in loops for child in loop["Plans"] if child["Parent Relationship"] == "Inner"]


def _joins(plan: Plan) -> set[str]:
    return {node["Join Type"] for node in nodes(plan) if "Join Type" in node}


def _parent(relation: str) -> str:
    return relation.rstrip("0123456789").rstrip("_")


def test_a_run_reads_the_state_once_and_its_pages_by_index(big: World, explained: dict[str, list[Plan]]) -> None:
    file = str(big.folder / "plan.json")
    big.command("plan", "--out", file)
    assert big.json("sync", "--plan", file)["destinations"][0]["succeeded"] > 200

    (planned, diff) = explained["diff_members"]
    for plan in (planned, diff):
        assert any(node.get("Join Type") == "Full" and node["Node Type"] == "Hash Join" for node in nodes(plan))
        assert not looked_up_row_by_row(plan) & {"synced_member", "members"}
    with big.state() as connection:
        if connection.info.server_version >= 16_00_00:
            assert any(node["Node Type"] == "Gather" for node in nodes(diff)), "the comparison is not parallel any more"

    private = {"contact_change", "caller", "member_delta", "plan_audience"}
    for plan in explained["digest_plan"]:  # what is saved, and what is compared with it
        assert {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node} == {*private, "installation"}
        assert not looked_up_row_by_row(plan) & private
    assert len(explained["digest_plan"]) == 2

    for plan in explained["add_retractions"]:  # without a resync, nothing of those who left is read
        unasked = [node for gate in nodes(plan) if "One-Time Filter" in gate for node in nodes(gate)]
        asked = [node for node in nodes(plan) if node.get("Relation Name") == "told_false_1" and node not in unasked]
        assert asked, "what an earlier resync could not tell is not looked for"
        assert not [node for node in asked if node["Node Type"] == "Seq Scan"]

    for plan in explained["mark_users_elsewhere"]:  # of those who are in the audience no more, nothing else is asked
        (elsewhere,) = (node for node in nodes(plan) if node.get("Subplan Name") == "CTE elsewhere")
        (counting,) = (node for node in nodes(plan) if node["Node Type"] == "Limit")
        assert counting not in nodes(elsewhere)
    assert len(explained["mark_users_elsewhere"]) == 1

    for name in ("gather_known", "claim_pages", "load_page", "settle_pages"):
        assert explained[name], name
        for plan in explained[name]:
            assert not read_whole(plan) & {"synced_member", "sync_change"}, name


def _reading(plan: Plan, table: str) -> list[Plan]:
    """The parts of a plan that read this table, or partitions of it."""
    return [node for node in nodes(plan) if node.get("Relation Name", "").startswith(table)]


def test_what_is_settled_is_read_by_page_and_none_of_it_for_each_other(
    big: World, explained: dict[str, list[Plan]]
) -> None:
    big.sync()
    assert explained["settle_pages"]
    for plan in explained["settle_pages"]:
        read = _reading(plan, "sync_change")
        assert read
        assert all("page" in node["Index Cond"] for node in read), "all changes of the run are read for every group"
        assert "Anti" not in _joins(plan), "a group is read for each of its changes"


def test_who_was_told_false_is_looked_up_also_while_the_planner_takes_them_for_few(
    big: World, explained: dict[str, list[Plan]]
) -> None:
    big.sync()
    for table in ("told_false", "user_told_false"):
        with big.state() as state:  # they became many within a run, or since autovacuum came by
            state.execute(f"CREATE TABLE saved AS TABLE syncer.{table}; TRUNCATE syncer.{table}")
            state.execute(f"ANALYZE syncer.{table}; INSERT INTO syncer.{table} TABLE saved; DROP TABLE saved")
    big.warehouse.run("UPDATE members SET audience_name = 'Audience 2' WHERE right(user_id, 2) = '55'")
    del explained["settle_pages"]
    big.sync()
    for plan in explained["settle_pages"]:
        for table, key in (("told_false", "contact"), ("user_told_false", "user_id")):
            read = _reading(plan, table)
            (looked_up,) = (node for node in read if str(node.get("Alias")).startswith("known"))
            assert key in looked_up.get("Index Cond", looked_up.get("Recheck Cond", ""))
            (delete,) = (node for node in read if node.get("Operation") == "Delete")
            (found,) = (node for node in delete["Plans"] if node["Parent Relationship"] == "Outer")
            assert found["Node Type"] in ("Tid Scan", "Seq Scan"), "it is joined with them"


def test_thousands_of_audiences_are_joined_without_a_sort(big: World, explained: dict[str, list[Plan]]) -> None:
    big.extra = "[guard]\nmax_new_audiences = 10000\n"
    big.warehouse.run(
        "INSERT INTO members (audience_name, user_id, email) SELECT 'Small ' || n, 'u' || n, 'u' || n || '@x.io'"
        " FROM generate_series(1, 4000) AS n"
    )
    big.sync()
    (plan,) = explained["diff_members"]
    assert "Merge Join" not in {node["Node Type"] for node in nodes(plan)}, "all rows are sorted on the disk"


def test_at_its_end_a_run_looks_up_nobody_who_was_told_true(big: World, explained: dict[str, list[Plan]]) -> None:
    big.sync()
    (closing,) = explained["mark_users_elsewhere"]
    (elsewhere,) = (node for node in nodes(closing) if node.get("Subplan Name") == "CTE elsewhere")
    assert _reading(elsewhere, "synced_member")
    assert not _reading(elsewhere, "sync_change"), "those who were told true are looked up, too"


def test_the_rows_of_whom_a_false_names_are_read_once(big: World, explained: dict[str, list[Plan]]) -> None:
    big.sync()
    (following,) = explained["find_followers"]
    by_user = [node for node in _reading(following, "synced_member") if "user_id" in node["Index Cond"]]
    assert len(by_user) == 1
    (read,) = (node for node in nodes(following) if node.get("Subplan Name") == "CTE present")
    assert not any(node["Node Type"] == "Merge Join" for node in nodes(read)), "they are sorted to be joined again"


def test_to_count_what_is_lost_nothing_is_sorted(big: World, explained: dict[str, list[Plan]]) -> None:
    big.sync()
    (losses,) = explained["count_losses"]
    assert not any(node["Node Type"] == "Merge Join" for node in nodes(losses)), "both sides are sorted"


def test_where_nearly_all_leave_the_changes_are_not_read_for_each_who_stays(
    big: World, explained: dict[str, list[Plan]]
) -> None:
    big.warehouse.run("DELETE FROM members WHERE user_id NOT IN ('first', 'u1')")

    assert big.preview().audiences[0].held > 0

    (plan,) = explained["name_callers"]
    assert not looked_up_row_by_row(plan) & {"contact_change"}


def test_a_first_comparison_is_parallel_on_every_version(big: World, explained: dict[str, list[Plan]]) -> None:
    big.extra = f'''[[destinations]]
name = "new"
type = "segment"
write_key = "another"
endpoint = "{big.receiver.url}"
'''

    assert big.preview().destinations[0].planned == CONTACTS + 1

    known, first = sorted(explained["diff_members"], key=lambda plan: "Full" not in _joins(plan))
    assert "Full" in _joins(known)
    assert "Full" not in _joins(first)
    assert next(nodes(first))["Node Type"] == "Gather", "what follows the join is left to one process"


def is_of_groups(node: Plan) -> bool:
    """Whether what it reads is aggregated already, and so little."""
    [below] = node["Plans"]
    if below["Node Type"] in ("Sort", "Incremental Sort", "Subquery Scan"):
        return is_of_groups(below)
    return bool(below["Node Type"] == "Aggregate")


def test_of_what_moved_the_groups_are_joined_and_nothing_is_sorted(
    big: World, explained: dict[str, list[Plan]]
) -> None:
    for _ in range(2):
        big.sync()
    big.warehouse.run("UPDATE members SET audience_name = 'Audience 2' WHERE user_id = 'u5'")
    explained.clear()
    big.sync()

    (diff,) = explained["diff_members"]
    assert any(node.get("Join Type") == "Full" and node["Node Type"] == "Hash Join" for node in nodes(diff))
    assert not looked_up_row_by_row(diff) & {"synced_member", "members"}
    for name in ("add_up_audiences", "add_up_groups"):
        (plan,) = explained[name]
        by_sorting = [node for node in nodes(plan) if node.get("Strategy") == "Sorted"]
        assert all(node["Partial Mode"] == "Finalize" or is_of_groups(node) for node in by_sorting), name
        assert all(is_of_groups(node) for node in nodes(plan) if node["Node Type"] == "Sort"), name


def test_what_changed_is_looked_up_in_the_state_by_index(far: World, explained: dict[str, list[Plan]]) -> None:
    far.sync()
    assert far.query("SELECT read FROM run ORDER BY run_id DESC LIMIT 1") == [("changes",)]
    (diff,) = explained["diff_members"]
    assert not read_whole(diff) & {"synced_member"}


def test_closing_a_run_looks_nothing_up_row_by_row(big: World, explained: dict[str, list[Plan]]) -> None:
    with big.state() as connection:
        connection.execute(
            "INSERT INTO run_count (run_id, destination_id, audience_id, members, planned_add, planned_remove, initial)"
            " SELECT 1, 1, n, 1, 0, 0, false FROM generate_series(1000, 5000) AS n"
        )
        connection.execute("ANALYZE run_count")
    result = big.sync()
    assert len(result.report.audiences) == AUDIENCES

    (tally,) = explained["tally_changes"]
    again = [node for child in inner_sides(tally) for node in nodes(child)]
    assert not any("Aggregate" in node["Node Type"] or node.get("CTE Name") == "tally" for node in again)

    (listed,) = explained["list_run_audiences"]
    assert not read_whole(listed) & {"run_count"}
    assert not looked_up_row_by_row(listed)

    for name in ("clear_refusals", "clear_unanswered", "settle_holds"):  # nothing is read unless there is a list
        with big.state() as connection:
            execute(connection, name, {"run_id": 2})
        (plan,) = explained[name]
        reading = [node for node in nodes(plan) if node.get("Relation Name", "").startswith("sync_change")]
        (gate,) = (node for node in nodes(plan) if "One-Time Filter" in node)
        assert reading, name
        assert [node for node in nodes(gate) if node.get("Relation Name", "").startswith("sync_change")] == reading, (
            name
        )


def test_an_old_run_looks_its_contacts_up_in_the_state(big: World, explained: dict[str, list[Plan]]) -> None:
    with big.state() as connection:
        connection.execute(
            "INSERT INTO sync_page (run_id, destination_id, page, urgency, status, identifies)"
            " SELECT DISTINCT 1, 1, page, 2, 'done'::page_status, 2500 FROM sync_change WHERE page >= 10"
        )
        connection.execute("ANALYZE sync_page")
        execute(connection, "add_past_contacts", {"run_id": 1})
    (plan,) = explained["add_past_contacts"]
    asked = [node for node in nodes(plan) if node.get("Relation Name", "").startswith("synced_member")]
    assert asked, "nobody is looked up"
    assert all("contact" in node.get("Index Cond", "") for node in asked), "members are read, or asked for by user"


def test_one_person_is_explained_by_index(big: World, explained: dict[str, list[Plan]]) -> None:
    big.explain("u77")
    looked = {name: plans for name, plans in explained.items() if name.startswith("who_") or name == "diff_members"}
    assert {"who_was_told", "who_changed", "diff_members"} <= set(looked)
    for name, plans in looked.items():
        for plan in plans:
            assert not read_whole(plan) & {"synced_member", "sync_change"}, name
    for plan in looked["who_changed"]:  # what became of a change is asked only of those that are listed
        (latest,) = (node for node in nodes(plan) if node.get("Subplan Name") == "CTE latest")
        assert latest["Node Type"] == "Limit"
        assert not any(node.get("Relation Name", "").startswith("sync_page") for node in nodes(latest))


def test_the_history_of_one_run_reads_one_partition(world: World) -> None:
    with world.state() as connection:
        begin_history(connection, 1, 750)
        (row,) = connection.execute("EXPLAIN (FORMAT JSON) SELECT * FROM sync_changelog WHERE run_id = 300").fetchall()
    touched = {node["Relation Name"] for node in nodes(row[0][0]["Plan"]) if "Relation Name" in node}
    kept = {name for name in touched if name.startswith(("sync_change_", "sync_page_", "sync_exception_"))}
    assert kept == {"sync_change_0000000251", "sync_page_0000000251", "sync_exception_0000000251"}
