"""Truth under faults, one step further than `test_faults`: what two runs in a row may forget, and what not."""

import os
import socket
import threading
from collections.abc import Callable

import psycopg
import pytest

from syncer import errors, sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Hang, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, truth

pytestmark = pytest.mark.usefixtures("unguarded")


def always(fault: Fault) -> Callable[[ReceivedRequest], Fault]:
    return lambda request: fault


def end_sessions(world: World, *names: str) -> None:
    """The state's server ends sessions, as an administrator would; returns when they are gone."""
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        for name in names:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = %s",
                [name],
            )
            assert {gone for (gone,) in ended.fetchall()} == {True}


@pytest.mark.parametrize(
    "sessions",
    [
        pytest.param(["syncer delivery to segment"], id="the delivery only"),
        pytest.param(["syncer sync"], id="the leader only"),
        pytest.param(["syncer delivery to segment", "syncer sync"], id="all"),
    ],
)
def test_told_true_while_the_state_is_lost_then_gone_is_told_false(world: World, sessions: list[str]) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])

    def lose_state(request: ReceivedRequest) -> None:
        end_sessions(world, *sessions)

    world.receiver.script = lose_state
    lost = world.sync()
    assert (lost.report.status, sync.exit_code(lost)) == (Status.FAILED, 6)
    assert world.believed() == {("a@x.io", "vip_buyers")}

    world.receiver.script = None
    world.warehouse.replace([])
    assert world.sync().report.status == "succeeded"

    assert world.believed() == set()
    assert world.query("SELECT count(*) FROM sync_page WHERE status IN ('planned', 'sending')") == [(0,)]
    assert world.query(
        "SELECT planned = succeeded + failed + unknown + aborted FROM sync_run_destinations ORDER BY run_id"
    ) == [(True,), (True,)]


def test_told_true_and_then_refused_then_gone_is_told_false(world: World) -> None:
    """The first try is applied and its answer lost, the second is refused: what the contact believes is not known."""
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.receiver.script = lambda request: Reset(apply=EVERYTHING) if request.attempt == 1 else Answer(400, apply=0)
    refused = world.sync()
    assert refused.report.status == Status.INCOMPLETE
    assert world.believed() == {("a@x.io", "vip_buyers")}

    world.receiver.script = None
    world.warehouse.replace([])
    world.sync()

    assert world.believed() == set()


def test_the_lock_names_host_pid_and_since(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.receiver.script = always(Hang(apply=EVERYTHING))
    running = threading.Thread(target=world.sync)
    running.start()
    try:
        assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 1, 30)
        ((since,),) = world.query("SELECT to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM leader")
        with pytest.raises(errors.SyncLockedError) as locked:
            world.sync()
    finally:
        world.receiver.script = None
        world.receiver.release()
        running.join(30)

    assert f"host {socket.gethostname()}, pid {os.getpid()}, since {since} UTC" in str(locked.value)
    assert world.query("SELECT count(*) FROM run") == [(1,)]


@pytest.mark.parametrize("moved_on", [True, False], ids=["and the user moved on", "and nothing else changed"])
def test_a_follow_up_without_an_answer_is_made_by_the_next_run(world: World, moved_on: bool) -> None:
    """u1 leaves a@ for b@, who has the property already: the false is accepted, what has to follow it is not."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    rows: list[Row] = [(VIP, "u1", "b@x.io"), (VIP, "u2", "b@x.io")]
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: Answer(503, apply=0) if request.number > 2 else None
    assert world.sync().report.destinations[0].unknown == 1

    events = world.receiver.event_count
    world.receiver.script = None
    world.warehouse.replace([(VIP, "u1", "c@x.io")] if moved_on else rows)
    assert world.sync().report.status == "succeeded"

    told = [(one.event["traits"]["email"], one.event["traits"]["vip_buyers"]) for one in world.receiver.events[events:]]
    assert told == ([("b@x.io", False), ("c@x.io", True)] if moved_on else [("b@x.io", True)])
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]


def test_a_follow_up_that_was_aborted_is_made_by_the_next_run(world: World) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u1", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "b@x.io")])
    world.receiver.script = lambda request: Answer(302, apply=0) if request.number > 2 else None
    assert world.sync().report.destinations[0].aborted == 1

    events = world.receiver.event_count
    world.receiver.script = None
    assert world.sync().report.status == "succeeded"

    assert [one.event["traits"] for one in world.receiver.events[events:]] == [{"email": "b@x.io", "vip_buyers": True}]
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]


def test_stale_values_of_a_broken_run_are_not_sent(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io")])
    world.receiver.script = always(Answer(403, apply=0))
    world.sync()

    world.receiver.script = None
    world.warehouse.replace([(CHURN, "u2", "b@x.io")])
    world.sync()

    assert world.receiver.belief == {"b@x.io": {"churn_risk": True}}
    assert world.believed() == truth([(CHURN, "u2", "b@x.io")])
