"""kill -9, of the command and of the database, in the middle of everything: the next run makes the belief true."""

import os
import signal

import pytest

from syncer.embedded.data_dir import DataDir
from syncer.receivers.loopback import EVERYTHING, Fault, Hang, Reset
from tests.acceptance.kills import (
    MANY,
    PAGE,
    assert_next_run_is_right,
    kill,
    settled,
    told_since,
    wait_until_idle,
)
from tests.acceptance.worlds import IN_FLIGHT, TIMEOUT, EmbeddedWorld, Gate, running
from tests.world import Row, World, members, truth, until

pytestmark = pytest.mark.fresh_sessions


@pytest.mark.parametrize("fault", [None, Reset()], ids=["what was in flight arrived", "what was in flight was lost"])
def test_killed_in_an_initial_sync(world: World, fault: Fault | None) -> None:
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=3, fault=fault)
    with running(world, "sync") as process:
        gate.wait_for()
        kill(process)
    gate.open()
    done_before, events = settled(world), world.receiver.event_count
    assert done_before
    assert len(done_before) % PAGE == 0

    assert_next_run_is_right(world, MANY)

    again = told_since(world, events)
    told_before = {event.event["traits"]["email"] for event in world.receiver.events[:events]}
    assert done_before.isdisjoint(again)
    assert len(told_before.intersection(again)) <= IN_FLIGHT * PAGE
    lost = world.json("history", "1")
    assert lost["status"] == "interrupted"
    assert f"process {process.pid}" in lost["error"]
    (destination,) = lost["destinations"]
    assert destination["succeeded"] == len(done_before)
    assert PAGE <= destination["unknown"] <= IN_FLIGHT * PAGE
    assert destination["succeeded"] + destination["unknown"] + destination["aborted"] == destination["planned"]
    repeated = len(told_before.intersection(again))
    print(
        f"told before the kill {events}, settled {len(done_before)}, repeated {repeated} of at most {IN_FLIGHT * PAGE}"
    )


@pytest.mark.parametrize("before", [True, False], ids=["in a later sync", "in the initial sync"])
def test_told_true_the_answer_lost_then_gone(world: World, before: bool) -> None:
    rows: list[Row] = [("Churn Risk", "u3", "eve@example.com")]
    rows += [("VIP Buyers", "u1", "ann@example.com")] if before else []
    world.extra = '[[audiences]]\nname = "VIP Buyers"'  # so that it does not vanish with its last member
    world.warehouse.replace(rows)
    assert_next_run_is_right(world, rows)
    world.receiver.script = lambda _request: Hang(apply=EVERYTHING)
    world.warehouse.replace([*rows, ("VIP Buyers", "u2", "bob@example.com")])
    with running(world, "sync") as process:
        assert world.receiver.wait_for(lambda: "bob@example.com" in world.receiver.belief, TIMEOUT)
        kill(process)
    assert world.receiver.belief["bob@example.com"] == {"vip_buyers": True}
    world.receiver.script = None
    world.warehouse.replace(rows)

    assert_next_run_is_right(world, rows)

    assert world.receiver.belief["bob@example.com"] == {"vip_buyers": False}
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]
    events = world.receiver.event_count
    assert_next_run_is_right(world, rows)
    assert world.receiver.event_count == events


def test_told_false_the_answer_lost_then_back(world: World) -> None:
    rows: list[Row] = [("VIP Buyers", "u1", "ann@example.com"), ("VIP Buyers", "u2", "bob@example.com")]
    world.warehouse.replace(rows)
    assert_next_run_is_right(world, rows)
    world.receiver.script = lambda _request: Hang(apply=EVERYTHING)
    world.warehouse.replace(rows[:1])
    with running(world, "sync") as process:
        bob = world.receiver.belief["bob@example.com"]
        assert world.receiver.wait_for(lambda: bob == {"vip_buyers": False}, TIMEOUT)
        kill(process)
    world.receiver.script = None
    world.warehouse.replace(rows)

    assert_next_run_is_right(world, rows)


@pytest.mark.parametrize("session", ["syncer sync", "syncer delivery to segment", "syncer settling for segment"])
def test_a_session_of_the_state_is_lost(world: World, session: str) -> None:
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=2)
    with running(world, "sync", "--json") as process:
        gate.wait_for()
        ended = world.query(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            [session],
        )
        assert set(ended) == {(True,)}
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 6, stderr
    assert "Traceback" not in stderr
    assert '"run_id":1' in stdout
    wait_until_idle(world.receiver)

    assert_next_run_is_right(world, MANY)


def test_killed_with_an_embedded_state(embedded_world: EmbeddedWorld) -> None:
    world = embedded_world
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=2)
    with running(world, "sync") as process:
        gate.wait_for()
        kill(process)
    gate.open()
    assert DataDir(world.data_dir).is_alive()  # nobody was left to stop it

    assert_next_run_is_right(world, MANY)
    assert not DataDir(world.data_dir).is_alive()


def test_the_database_server_is_killed_under_a_daemon(embedded_world: EmbeddedWorld) -> None:
    world = embedded_world
    world.extra = '[health]\nlisten = ""\n[schedule]\nevery = "1s"\njitter = "0s"\n'
    with running(world, "daemon") as process:
        for count in (2, 3):
            world.warehouse.replace(members(count))
            until(lambda: world.believed() == truth(members(count)))  # noqa: B023 - waited for here
            server = DataDir(world.data_dir).server()
            assert server
            os.kill(server.pid, signal.SIGKILL)
        process.terminate()
        _, talk = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, talk
    assert "had died, and was started again" in talk
    assert not DataDir(world.data_dir).is_alive()


def test_the_database_server_is_killed_in_a_run(embedded_world: EmbeddedWorld) -> None:
    world = embedded_world
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=2)
    with running(world, "sync", "--json") as process:
        gate.wait_for()
        server = DataDir(world.data_dir).server()
        assert server
        os.kill(server.pid, signal.SIGKILL)
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 6, stderr
    assert "Traceback" not in stderr
    assert '"run_id":1' in stdout
    wait_until_idle(world.receiver)

    assert_next_run_is_right(world, MANY)
