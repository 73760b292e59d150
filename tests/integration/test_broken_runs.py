"""Runs that break: a snapshot that is not whole, a process that vanishes, a stop, a bug (rules 14 to 17, 20)."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from syncer import app, errors, opening, sync
from syncer.models import Status
from syncer.planning import staging, writing
from syncer.receivers.loopback import EVERYTHING, Hang
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State, accounts, leadership, pages, status
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.world import World, members, truth

pytestmark = pytest.mark.usefixtures("unguarded")


def test_a_snapshot_that_breaks_off_removes_nobody(world: World) -> None:
    rows = members(3000)
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.run("ALTER TABLE members RENAME TO real_members")
    # The query fails after it has given most of its rows.
    world.warehouse.run(
        "CREATE VIEW members AS SELECT audience_name, user_id,"
        " CASE WHEN user_id < 'u2900' THEN email ELSE (1 / (length(email) - length(email)))::text END AS email"
        " FROM real_members"
    )

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 6)
    assert "division by zero" in str(result.report.error)
    assert world.believed() == truth(rows)
    assert world.query("SELECT count(*) FROM synced_member") == [(3000,)]


def test_a_connection_lost_while_the_snapshot_is_read_removes_nobody(world: World, postgres: str) -> None:
    rows = members(2000)
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.run("ALTER TABLE members RENAME TO real_members")
    world.warehouse.run(
        "CREATE VIEW members AS SELECT m.* FROM real_members AS m,"
        " LATERAL (SELECT CASE WHEN m.user_id = 'u1900' THEN pg_terminate_backend(pg_backend_pid()) END) AS bang"
    )

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 6)
    assert world.believed() == truth(rows)


def test_rows_that_got_lost_on_the_way_fail_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.warehouse.replace(members(5))
    counted = staging._stage_piece

    def one_short(*asked: Any) -> staging.Travelled:
        arrived = counted(*asked)
        return arrived._replace(rows=arrived.rows - 1)

    monkeypatch.setattr(staging, "_stage_piece", one_short)

    result = world.sync()

    assert "the warehouse sent 5 rows, 4 arrived" in str(result.report.error)
    assert world.receiver.requests == []


def test_a_second_run_is_refused_while_one_is_running_and_told_by_whom(world: World) -> None:
    world.warehouse.replace(members(1))
    world.receiver.script = lambda _: Hang(apply=EVERYTHING)
    running = threading.Thread(target=world.sync)
    running.start()
    try:
        assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 1, 30)
        with pytest.raises(errors.SyncLockedError, match=r"host .+, pid \d+, since \d{4}-\d\d-\d\d"):
            world.sync()
    finally:
        world.receiver.script = None
        world.receiver.release()
        running.join(30)
    assert not running.is_alive()


@contextmanager
def a_claimed_page(world: World) -> Iterator[tuple[Any, pages.RunDestination]]:
    """A run as a process leaves it that vanishes in the middle of its only page."""
    world.warehouse.replace(members(2))
    with app.opened(opening.load(world.config, {})) as opened, opened.state.connect("test") as connection:
        job = opened.job()
        with leadership.lead(opened.state, connection) as leading:
            registered = accounts.register(connection, job.destinations)
            run_id = sync._open(connection, job, registered, RunStart("manual"), None)
            known = registered.ids
            writing.write(connection, sync._request(job, known), run_id)
            page = pages.RunDestination(run_id, known["segment"])
            pages.claim(connection, page, leading.token, [1])
            yield connection, page


def test_what_a_vanished_process_was_sending_becomes_uncertain_and_is_told_again(world: World) -> None:
    with a_claimed_page(world):
        pass
    world.warehouse.replace([])

    report = world.sync().report

    assert report.status == "succeeded"
    assert {contact: values["vip_buyers"] for contact, values in world.receiver.belief.items()} == {
        "u0000@x.io": False,
        "u0001@x.io": False,
    }
    assert world.query("SELECT status, error LIKE 'the process % ended without%' FROM sync_runs WHERE run_id = 1") == [
        ("interrupted", True)
    ]
    assert world.query("SELECT planned, unknown FROM sync_run_destinations WHERE run_id = 1") == [(2, 2)]


def test_what_a_vanished_process_left_open_is_in_progress_no_more(world: World) -> None:
    """Whoever leads next has not settled it yet: nothing moves in it."""
    with a_claimed_page(world) as (connection, _):
        running = status.now(connection).running
    assert running is not None
    assert (running.run_id, running.planned) == (1, 2)

    state = State(world.state_url, "syncer")
    with state.connect("test") as connection:
        assert status.now(connection).running is None
        with leadership.lead(state, connection):
            now = status.now(connection)
            assert now.leader is not None
            assert (now.running, status.running(connection, now.leader)) == (None, None)
    assert world.query("SELECT status FROM sync_runs") == [("running",)]


def test_a_process_that_was_overtaken_can_neither_claim_nor_settle(world: World) -> None:
    with a_claimed_page(world) as (connection, page):
        # It was replaced without noticing: another process leads and settles what it left.
        connection.execute("UPDATE leader SET backend_pid = 0")
        assert world.sync().report.status == "succeeded"

        with pytest.raises(errors.NotOursError), connection.transaction():
            pages.settle(connection, page, [pages.Settlement(1)])
        with pytest.raises(errors.NotOursError):
            pages.claim(connection, page, uuid.uuid4(), [1])
    assert world.query("SELECT count(*) FROM synced_member") == [(2,)]


def test_nothing_is_claimed_without_the_present_leaders_token(world: World) -> None:
    with a_claimed_page(world) as (connection, page):
        connection.execute("UPDATE sync_page SET status = 'planned'")
        with pytest.raises(errors.NotOursError, match="took over"):
            pages.claim(connection, page, uuid.uuid4(), [1])


def test_a_wish_to_stop_finishes_what_is_in_flight_and_closes_the_run(world: World) -> None:
    world.warehouse.replace(members(2000))
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    stop = Stop()

    def stop_in_the_second(request: ReceivedRequest) -> None:
        if request.number == 2:
            stop.asked.set()

    world.receiver.script = stop_in_the_second
    result = world.sync(stop)

    assert (result.report.status, sync.exit_code(result)) == (Status.INTERRUPTED, 130)
    destination = result.report.destinations[0]
    assert (destination.succeeded, destination.unknown) == (world.receiver.event_count, 0)
    assert 1000 <= destination.succeeded < 2000
    world.receiver.script = None
    world.sync()
    assert world.receiver.event_count == 2000


def test_a_wish_to_stop_while_reading_sends_nothing(world: World) -> None:
    world.warehouse.replace(members(2))
    stop = Stop()
    stop.asked.set()

    result = world.sync(stop)

    assert (result.report.status, sync.exit_code(result)) == (Status.INTERRUPTED, 130)
    assert world.receiver.requests == []


def test_a_bug_in_the_middle_of_a_run_still_closes_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(writing, "before_delivery", broken)
    world.warehouse.replace(members(1))

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 1)
    assert world.query("SELECT phase FROM run") == [("closed",)]


def test_a_settlement_is_all_or_nothing(world: World) -> None:
    """One of two pages is not ours any more: neither may become known."""
    with a_claimed_page(world) as (connection, page):
        with pytest.raises(errors.NotOursError), connection.transaction():
            pages.settle(connection, page, [pages.Settlement(1), pages.Settlement(2)])
        assert connection.execute("SELECT status FROM sync_page").fetchall() == [("sending",)]
    with psycopg.connect(world.state_url) as fresh:
        assert fresh.execute("SELECT count(*) FROM syncer.synced_member").fetchone() == (0,)


@pytest.mark.parametrize("requests", [0, 1])
def test_a_page_was_attempted_when_a_request_was_made_of_it(world: World, requests: int) -> None:
    """Between the claim and the first request a destination may stop, or a user may stop us."""
    with a_claimed_page(world) as (connection, page):
        with connection.transaction():
            pages.settle(connection, page, [pages.Settlement(1, requests=requests, applied=False)])
        said = connection.execute("SELECT DISTINCT status, attempted_at IS NULL FROM sync_changelog").fetchall()
        assert said == [("aborted", requests == 0)]
