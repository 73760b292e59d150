"""The history views against what the receiver saw, run by run, and against the JSON of the run."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from syncer import app, opening
from syncer.destinations import segment
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.state import history
from tests.world import CHURN, VIP, Row, World, named_members

pytestmark = pytest.mark.usefixtures("unguarded")

STATE_TABLES = (
    "audience destination initial_sync synced_member told_false uncertain sync_change sync_page sync_exception"
    " refused_contact skipped_member held_change operator_action installation schema_migration contact_count user_count"
).split()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two contacts a page."""
    monkeypatch.setattr(segment, "PAGE_SIZE", 2)


@pytest.fixture
def world(world: World) -> World:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    return world


def one_by_one(*answers: Fault | None) -> Callable[[ReceivedRequest], Fault | None]:
    """Each request gets the next answer; the rest are accepted."""
    waiting = list(answers)
    return lambda request: waiting.pop(0) if waiting else None


def seen(world: World) -> Counter[tuple[str, str, str, bool]]:
    """(message id, contact, property, value) of everything that took effect."""
    told: Counter[tuple[str, str, str, bool]] = Counter()
    for received in world.receiver.events:
        traits = dict(received.event["traits"])
        contact = traits.pop("email")
        told.update((received.event["messageId"], contact, name, value) for name, value in traits.items())
    return told


def logged(world: World, status: str) -> list[Any]:
    return world.query(
        "SELECT DISTINCT message_id, contact, property, value FROM sync_changelog"
        " WHERE status = %s AND op <> 'covered'",
        [status],
    )


def assert_json_is_the_views(world: World, run_id: int) -> None:
    with app.opened(opening.load(world.config, {})) as opened, opened.state.connect("test") as connection:
        report = history.report(connection, run_id)
    assert report is not None
    assert world.query(
        "SELECT run_id, trigger, status, started_at, finished_at, error FROM sync_runs WHERE run_id = %s", [run_id]
    ) == [(report.run_id, report.trigger, report.status, report.started_at, report.finished_at, report.error)]
    destinations = world.query(
        "SELECT destination, status, planned, succeeded, failed, unknown, aborted, requests, retries, skipped, error"
        " FROM sync_run_destinations WHERE run_id = %s ORDER BY destination",
        [run_id],
    )
    assert destinations == [
        (
            d.name,
            d.status,
            d.planned,
            d.succeeded,
            d.failed,
            d.unknown,
            d.aborted,
            d.requests,
            d.retries,
            d.skipped,
            d.error,
        )
        for d in report.destinations
    ]
    counts = world.query(
        "SELECT audience, property, max(members), sum(num_planned_add), sum(num_planned_remove), bool_or(initial)"
        " FROM sync_run_counts WHERE run_id = %s GROUP BY 1, 2 ORDER BY 1",
        [run_id],
    )
    assert counts == [
        (a.name, a.property, a.members, a.added, a.removed, a.initial) for a in report.audiences if not a.problem
    ]


def test_every_outcome_of_a_run_is_in_the_views_as_the_receiver_saw_it(world: World) -> None:
    """Five pages of two: accepted, refused, lost answer; then the destination stops and two pages never leave."""
    world.warehouse.replace(named_members(*"abcdefghij"))
    refused = Answer(400, body=b'{"message":"not these"}', apply=0)  # the page, and then each of the two alone
    world.receiver.script = one_by_one(None, refused, refused, refused, Reset(apply=EVERYTHING), Reset(apply=0))

    report = world.sync().report

    destination = report.destinations[0]
    assert (destination.succeeded, destination.failed, destination.unknown, destination.aborted) == (2, 2, 2, 4)
    assert (destination.requests, destination.retries) == (len(world.receiver.requests), 1) == (6, 1)
    assert Counter(logged(world, "succeeded") + logged(world, "unknown")) == seen(world)
    assert world.query(
        "SELECT num_planned_add, num_succeeded_add, num_failed_add, num_unknown, num_aborted FROM sync_run_counts"
    ) == [(10, 2, 2, 2, 4)]
    assert world.query(
        "SELECT status, string_agg(left(contact, 1), '' ORDER BY contact), min(http_status),"
        " bool_and(failure_reason LIKE '%not these'), bool_and(attempted_at IS NOT NULL)"
        " FROM sync_changelog GROUP BY status ORDER BY min(contact)"
    ) == [
        ("succeeded", "ab", None, None, True),
        ("failed", "cd", 400, True, True),
        ("unknown", "ef", None, False, True),
        ("aborted", "ghij", None, None, False),
    ]
    assert world.query("SELECT contact, exited_at FROM audience_membership_history ORDER BY 1") == [
        ("a@x.io", None),
        ("b@x.io", None),
    ]
    assert_json_is_the_views(world, 1)


def test_what_was_never_sent_of_a_page_has_no_time_of_sending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "PAGE_SIZE", 3)
    monkeypatch.setattr(segment, "MAX_REQUEST_BYTES", 500)  # so that every event travels alone
    world.warehouse.replace(named_members("a", "b", "c"))
    world.receiver.script = one_by_one(None, Reset(apply=0), Reset(apply=0))

    world.sync()

    assert world.query("SELECT contact, status, attempted_at IS NULL FROM sync_changelog ORDER BY 1") == [
        ("a@x.io", "succeeded", False),
        ("b@x.io", "unknown", False),
        ("c@x.io", "aborted", True),
    ]


def test_many_runs_of_many_audiences_add_up(world: World) -> None:
    both = [*named_members("a", "b", "c"), *named_members("b", "c", "d", audience=CHURN)]
    snapshots: list[list[Row]] = [
        both,
        [*both[1:], (VIP, "u-x", "b@x.io"), (VIP, "nobody", None)],
        [(VIP, "u-b", "moved@x.io"), *both[3:]],
        [],
        both,
    ]
    for snapshot in snapshots:
        world.warehouse.replace(snapshot)
        assert world.sync().report.status == "succeeded"

    assert Counter(logged(world, "succeeded")) == seen(world)
    assert world.query("SELECT count(DISTINCT message_id) FROM sync_changelog") == [(len(world.receiver.events),)]
    for (run_id,) in world.query("SELECT run_id FROM sync_runs"):
        assert_json_is_the_views(world, run_id)
    assert (
        world.query(
            "SELECT run_id, destination, audience FROM sync_run_counts"
            " WHERE num_planned_add <> num_succeeded_add OR num_planned_remove <> num_succeeded_remove"
        )
        == []
    )
    # What the counts, the intervals and the state say of who is in is the same, after every run.
    assert world.query(
        "SELECT s.run_id, c.audience, sum(c.num_succeeded_add - c.num_succeeded_remove)"
        " FROM sync_runs AS s JOIN sync_run_counts AS c ON c.run_id <= s.run_id GROUP BY 1, 2 ORDER BY 1, 2"
    ) == world.query(
        "SELECT s.run_id, c.audience, count(DISTINCT h.contact)"
        " FROM sync_runs AS s JOIN sync_run_counts AS c USING (run_id)"
        " LEFT JOIN audience_membership_history AS h ON h.audience = c.audience AND h.entered_run_id <= s.run_id"
        " AND (h.exited_run_id > s.run_id OR h.exited_run_id IS NULL) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert world.query(
        "SELECT count(*) FROM audience_membership_history AS a JOIN audience_membership_history AS b"
        " USING (destination, audience, contact, user_id)"
        " WHERE a.entered_at < b.entered_at AND (a.exited_at IS NULL OR a.exited_at > b.entered_at)"
    ) == [(0,)]
    assert world.query(
        "SELECT contact, audience, user_id FROM audience_membership_history WHERE exited_at IS NULL ORDER BY 1, 2, 3"
    ) == world.query(
        "SELECT contact, name, user_id FROM synced_member JOIN audience USING (audience_id) ORDER BY 1, 2, 3"
    )


def test_an_interval_begins_and_ends_with_the_run_whose_call_was_accepted(world: World) -> None:
    lost, refused = Reset(apply=EVERYTHING), Answer(400, apply=0)
    steps: list[tuple[list[Row], list[Fault]]] = [
        (named_members("a"), [lost, lost]),
        (named_members("a"), []),
        ([], [refused]),
        ([], [lost, lost]),
        ([], []),
    ]
    for rows, faults in steps:
        world.warehouse.replace(rows)
        world.receiver.script = one_by_one(*faults)
        world.sync()

    assert world.query(
        "SELECT contact, entered_run_id, exited_run_id, entered_at < exited_at FROM audience_membership_history"
    ) == [("a@x.io", 2, 5, True)]
    assert world.query("SELECT run_id, op, status FROM sync_changelog ORDER BY run_id") == [
        (1, "added", "unknown"),
        (2, "added", "succeeded"),
        (3, "removed", "failed"),
        (4, "removed", "unknown"),
        (5, "removed", "succeeded"),
    ]


def test_a_contact_of_two_users_has_a_row_each_and_one_message(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")])

    report = world.sync().report

    assert (report.audiences[0].members, report.audiences[0].added, report.destinations[0].planned) == (2, 1, 1)
    assert world.query("SELECT user_id, op FROM sync_changelog ORDER BY 1") == [("u1", "added"), ("u2", "added")]
    assert world.query("SELECT count(DISTINCT message_id) FROM sync_changelog") == [(1,)]


@pytest.mark.parametrize("kind", ["world", "world_in_one_database"])
def test_a_run_without_changes_leaves_every_state_table_as_it_was(request: pytest.FixtureRequest, kind: str) -> None:
    """Also with a skipped member, one that a skipped row protects, and a contact that stays uncertain."""
    world: World = request.getfixturevalue(kind)
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    world.receiver.script = one_by_one(Reset(apply=EVERYTHING), Reset(apply=EVERYTHING))
    world.warehouse.replace(named_members("a", "b", "c"))
    world.sync()
    world.receiver.script = None
    world.warehouse.replace(
        [*named_members("a"), (VIP, "u-b", None), (VIP, "u-c", "not an address"), (None, "u9", "z@x.io")]
    )
    world.sync()
    before, requests = contents(world), len(world.receiver.requests)

    report = world.sync().report

    assert report.status == "succeeded"
    assert contents(world) == before
    assert len(world.receiver.requests) == requests
    assert world.query("SELECT contact FROM uncertain") == [("c@x.io",)]


def contents(world: World) -> dict[str, Any]:
    """Every row of every state table, with the transaction that wrote it."""
    return {table: world.query(f"SELECT xmin::text, t.* FROM {table} AS t ORDER BY t::text") for table in STATE_TABLES}
