"""One process leads, and a process that is paused or cut off harms nothing when it wakes up."""

import contextlib
import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

import psycopg
import pytest

from syncer import errors
from syncer.delivery import sender
from syncer.receivers.loopback import Fault
from syncer.receivers.segment import ReceivedRequest
from syncer.state import Connection, State, execute, handover, leadership, pages
from syncer.state.leadership import lead
from tests.integration.test_broken_runs import a_claimed_page
from tests.world import World, members, truth

DEADLINE = 20.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def renewals(state: State) -> object:
    with psycopg.connect(state.url, options="-c search_path=syncer") as connection:
        row = connection.execute("SELECT renewed_at FROM leader").fetchone()
        return row and row[0]


def end_session(state: State, session: Connection) -> None:
    """As when its process has died."""
    with psycopg.connect(state.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [session.info.backend_pid])


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leadership, "RENEW_SECONDS", 0.05)


@pytest.mark.usefixtures("hasty")
def test_a_leader_renews_its_lease_and_keeps_others_out(state: State) -> None:
    with state.connect("one") as one, state.connect("two") as two, lead(state, one) as leading:
        before = renewals(state)
        until(lambda: renewals(state) != before)
        assert leading.lease.good()
        with pytest.raises(errors.SyncLockedError, match=r"host .*, pid "), lead(state, two):
            pass


@pytest.mark.parametrize("error", [None, ValueError])
def test_another_leads_at_once_when_one_has_ended(state: State, error: type[Exception] | None) -> None:
    with state.connect("one") as one, state.connect("two") as two:
        with suppress(ValueError), lead(state, one):
            if error:
                raise error
        with lead(state, two) as leading:
            assert leading.lease.good()


def test_a_lease_runs_out_by_itself(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    with state.connect("one") as one, lead(state, one) as leading:
        assert leading.lease.good()
        now = leadership.clock()
        monkeypatch.setattr(leadership, "clock", lambda: now + leadership.LEASE_SECONDS)
        assert not leading.lease.good()


def test_a_leader_that_does_not_renew_is_ended_and_replaced(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leadership, "TAKE_OVER_SECONDS", 0.2)
    with state.connect("two") as two, suppress(errors.StateError), state.connect("one") as one, lead(state, one):
        before = renewals(state)
        until(lambda: _leads(state, two))
        assert renewals(state) != before
        with pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")


def _leads(state: State, connection: psycopg.Connection[object]) -> bool:
    try:
        with lead(state, connection):
            return True
    except errors.SyncLockedError:
        return False


def test_a_leader_that_has_just_begun_is_not_ended_for_the_lease_of_its_predecessor(
    state: State,
) -> None:
    with suppress(errors.StateError), state.connect("one") as one, lead(state, one):
        one.execute("UPDATE leader SET renewed_at = '2020-01-01'")
        one.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with state.connect("fresh") as fresh, lead(state, fresh), state.connect("two") as two:
        assert not _leads(state, two)
        fresh.execute("SELECT 1")


def test_a_session_that_was_given_the_number_of_a_leaders_is_neither_a_leader_nor_ended(state: State) -> None:
    with state.connect("one") as one, state.connect("two") as two:
        with lead(state, one):
            one.execute(
                "UPDATE leader SET since = '2020-01-01', renewed_at = '2020-01-01', backend_pid = %s",
                [two.info.backend_pid],
            )
            assert leadership.find_leader(two) is None
            assert _leads(state, two)
        two.execute("SELECT 1")


def test_nobody_elses_advisory_lock_keeps_anybody_from_syncing(world: World) -> None:
    """Anybody who may connect can take any of them."""
    world.warehouse.replace(members(2))
    with psycopg.connect(world.state_url, autocommit=True) as stranger:
        digest = hashlib.blake2b(b"syncer syncer", digest_size=8).digest()
        stranger.execute("SELECT pg_advisory_lock(%s)", [int.from_bytes(digest, "big", signed=True)])
        assert world.command("sync").returncode == 0
    assert world.believed() == truth(members(2))


@pytest.mark.usefixtures("hasty")
def test_a_lost_session_is_a_lost_lease(state: State) -> None:
    with suppress(errors.StateError), state.connect("one") as one, lead(state, one) as leading:
        end_session(state, one)
        until(lambda: not leading.lease.good())


def test_a_sender_whose_lease_ran_out_sends_no_more_and_the_next_run_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process was paused for longer than its lease between two pages."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([("VIP Buyers", f"u{n}", f"c{n}@x.io") for n in range(1200)])
    slept = threading.Event()
    real = leadership.clock

    def sleep_after_the_first(request: ReceivedRequest) -> Fault | None:
        slept.set()
        return None

    world.receiver.script = sleep_after_the_first
    monkeypatch.setattr(leadership, "clock", lambda: real() + (60 if slept.is_set() else 0))

    result = world.sync()

    assert world.receiver.http.arrived == 1
    assert (result.report.status, result.report.destinations[0].succeeded) == ("failed", 500)
    assert "lease" in str(result.report.error)
    monkeypatch.undo()
    world.receiver.script = None
    again = world.sync().report
    assert (again.status, again.destinations[0].planned) == ("succeeded", 700), "what was settled before is known"
    assert len(world.believed()) == 1200
    assert world.verify().differences == 0


def test_a_leader_whose_lease_ran_out_leads_no_more(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session still has the lock: the process is stopped."""
    with state.connect("one") as one, lead(state, one, kind="daemon"), state.connect("two") as two:
        assert leadership.find_leader(two)
        assert handover.daemon_leads(state)
        monkeypatch.setattr(leadership, "TAKE_OVER_SECONDS", 0.0)
        assert leadership.find_leader(two) is None
        assert not handover.daemon_leads(state)


@pytest.mark.parametrize("begun", [False, True])
def test_a_command_does_not_wait_for_a_daemon_that_stands_still(
    state: State, begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for one that has begun what was asked for: nobody would ever answer."""
    with state.connect("one") as one, lead(state, one, kind="daemon") as leading:
        looks = 0

        def wait(_: object) -> bool:
            nonlocal looks
            looks += 1
            if looks == 2 and begun:
                assert handover.begin(leading)
            if looks == 3:
                monkeypatch.setattr(leadership, "TAKE_OVER_SECONDS", 0.0)
            assert looks < 10, "it waits for ever"
            return True

        assert handover.ask(state, "sync", (), (), wait) is None
        assert looks == 3
        assert one.execute("SELECT count(*) FROM request WHERE ended_at IS NULL").fetchone() == (0,)


@pytest.mark.parametrize("follower", [None, "command", "daemon"])
def test_a_command_does_not_wait_for_a_daemon_that_died_in_what_it_had_begun(
    state: State, follower: Literal["command", "daemon"] | None
) -> None:
    """Whoever leads after it: the next daemon has not begun it, and a command never will."""
    with contextlib.ExitStack() as sessions:
        one = sessions.enter_context(state.connect("one"))
        leading = sessions.enter_context(lead(state, one, kind="daemon"))
        looks = 0

        def wait(_: object) -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                assert handover.begin(leading)
                end_session(state, one)
                if follower:
                    two = sessions.enter_context(state.connect("two"))
                    led = sessions.enter_context(lead(state, two, kind=follower))
                    if follower == "daemon":
                        handover.end_lost(led)
            return looks < 10

        assert handover.ask(state, "sync", (), (), wait) is None
        assert looks == 1
        with state.connect("test") as connection:
            assert connection.execute("SELECT count(*) FROM request WHERE ended_at IS NULL").fetchone() == (0,)


def test_a_request_that_the_next_daemon_begins_meanwhile_is_not_given_up(state: State) -> None:
    """It had not been begun when its daemon died: whoever comes next may do it."""
    with contextlib.ExitStack() as sessions:
        one = sessions.enter_context(state.connect("one"))
        sessions.enter_context(lead(state, one, kind="daemon"))
        looks = 0

        def wait(_: object) -> bool:
            nonlocal looks
            looks += 1
            if looks == 1:
                end_session(state, one)
                two = sessions.enter_context(state.connect("two"))
                led = sessions.enter_context(lead(state, two, kind="daemon"))
                handover.end_lost(led)
                begun = handover.begin(led)
                assert begun
                handover.end(led, begun, handover.Answer(7, 0, ()))
            return looks < 10

        assert handover.ask(state, "sync", (), (), wait) == handover.Answer(7, 0, [])


def test_a_claim_and_a_takeover_do_not_pass_one_another(world: World) -> None:
    """Whoever claims keeps others from leading until the claim is committed: they find the page `sending`."""
    with a_claimed_page(world) as (connection, page):
        connection.execute("UPDATE sync_page SET status = 'planned'")
        row = connection.execute("SELECT token FROM leader").fetchone()
        assert row is not None
        with connection.transaction():
            pages.claim(connection, page, row[0], [1])
            with world.state() as other:
                other.execute("SET lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    execute(other, "lead", {"token": uuid.uuid4(), "host": "elsewhere", "pid": 1, "kind": "daemon"})


def test_what_leaves_after_a_takeover_is_told_once_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process is stopped between its look at the lease and the request. Meanwhile another leads, and tells `false`.
    The first one's `true` arrives after that."""
    world.warehouse.replace(members(2))
    arrived, overtaken = threading.Event(), threading.Event()
    real = sender.Sender._try

    def late(*arguments: Any) -> Any:
        if not arrived.is_set():
            arrived.set()
            assert overtaken.wait(DEADLINE)
        return real(*arguments)

    monkeypatch.setattr(sender.Sender, "_try", late)
    monkeypatch.setattr(leadership, "RENEW_SECONDS", DEADLINE)
    stopped = threading.Thread(target=world.sync)
    stopped.start()
    assert arrived.wait(DEADLINE)
    monkeypatch.setattr(leadership, "TAKE_OVER_SECONDS", 0.0)
    world.warehouse.replace(members(1))
    assert world.sync().report.status == "succeeded"
    assert world.in_doubt() == set()

    overtaken.set()
    stopped.join(DEADLINE)

    assert world.believed() == truth(members(2)), "what arrived last is wrong"
    assert world.in_doubt() == {"u0000@x.io", "u0001@x.io"}
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(members(1))
    assert world.in_doubt() == set()
