"""kill -9, of the command and of the database, in the middle of everything: the next run makes the belief true."""

import gc
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncer import embedded, errors, sync
from syncer.demo.loopback import EVERYTHING, Hang, Reset
from syncer.demo.receiver import Delay, Fault, SegmentReceiver
from syncer.embedded.home import Home
from syncer.stopping import Stop
from tests.acceptance.worlds import IN_FLIGHT, TIMEOUT, EmbeddedWorld, Gate, read_until
from tests.world import Row, World, Write, truth

PAGE = 500
KILLS = int(os.environ.get("SYNCER_TEST_KILLS") or 12)
"""How many processes die in the random test; read before the environment is cleaned."""

MANY: list[Row] = [
    (audience, f"u{n}", f"user{n}@example.com")
    for n in range(4000)
    for audience in ("VIP Buyers", "Early Birds")
    if n % 3 or audience == "VIP Buyers"
]


@contextmanager
def running(world: World, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is still running; it does not outlive the block."""
    with world.start(*arguments) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    assert process.wait(TIMEOUT) == -signal.SIGKILL


def settled(world: World) -> set[str]:
    """The contacts of the pages that were settled before the process died."""
    return {
        contact
        for (contact,) in world.query(
            "SELECT c.contact FROM sync_change AS c JOIN sync_page AS p USING (run_id, destination_id, page)"
            " WHERE p.status = 'done' AND p.page > 0 AND p.run_id = (SELECT max(run_id) FROM run)"
        )
    }


def told_since(world: World, events: int) -> list[str]:
    return [event.event["traits"]["email"] for event in world.receiver.events[events:]]


def wait_until_idle(receiver: SegmentReceiver) -> None:
    """What a dead process had sent takes effect before anybody sends again."""
    assert receiver.wait_for(lambda: receiver.http.in_progress == 0, TIMEOUT)


def assert_next_run_is_right(world: World, rows: Sequence[Row]) -> None:
    done = world.command("sync")
    assert done.returncode == 0, done.stderr
    assert world.believed() == truth(rows)


# --- the command dies --------------------------------------------------------------------------------------


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


@dataclass
class Tally:
    """What came of many kills. `repeated`: told again although settled and unchanged, which must not be."""

    kills: int = 0
    wrong: int = 0
    lost: int = 0
    repeated: int = 0
    in_flight_again: int = 0


def test_killed_at_random_moments(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(int(os.environ.get("SYNCER_TEST_SEED") or 20))
    world.receiver.script = lambda _request: Delay(dice.random() / 20)
    rows = MANY[:4000]
    tally = Tally()
    for _attempt in range(3 * KILLS):
        rows = shuffled(rows, dice)
        world.warehouse.replace(rows)
        events = world.receiver.event_count
        if not killed_somewhere(world, dice):
            continue
        wait_until_idle(world.receiver)
        done_before, told_before = settled(world), set(told_since(world, events))
        events = world.receiver.event_count
        if changes := dice.random() < 0.5:
            rows = shuffled(rows, dice)
            world.warehouse.replace(rows)

        result = world.sync()

        assert result.report.status == "succeeded", result.report
        again = set(told_since(world, events))
        tally.kills += 1
        tally.wrong += len(world.believed() ^ truth(rows))
        tally.lost += len(truth(rows) - world.believed())
        tally.repeated += 0 if changes else len(done_before & again)
        tally.in_flight_again += 0 if changes else len(told_before & again)
        assert changes or len(told_before & again) <= IN_FLIGHT * PAGE
        if tally.kills == KILLS:
            break
    with capsys.disabled():
        print(f"\nkilled at random moments: {tally}")
    assert (tally.kills, tally.wrong, tally.lost, tally.repeated) == (KILLS, 0, 0, 0)


def shuffled(rows: Sequence[Row], dice: random.Random) -> list[Row]:
    """The warehouse some time later: most of what was there still is, and some of the rest has come."""
    known = set(rows)
    return [row for row in MANY if dice.random() < (0.8 if row in known else 0.3)]


def killed_somewhere(world: World, dice: random.Random) -> bool:
    """Starts a sync and kills it a little after a moment that it names. False if it was faster."""
    moment = dice.choice(["reading the warehouse", "delivering", "delivering", "contacts to tell"])
    with running(world, "sync") as process:
        read_until(process, moment)
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.random() * 0.4)
        process.kill()
        return process.wait(TIMEOUT) == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_at_random_moments_of_reading_and_planning(world: World) -> None:
    """Wherever in the drivers the signal strikes, the run is closed and told."""
    dice = random.Random(int(os.environ.get("SYNCER_TEST_SEED") or 20))
    world.warehouse.replace(MANY[:100])
    ended = {interrupted_run(world, dice.random() / 4) for _ in range(5 * KILLS)}
    gc.collect()  # a connection that was being opened is left to it
    assert ended <= {("interrupted", 130), ("succeeded", 0)}
    assert_next_run_is_right(world, MANY[:100])


def interrupted_run(world: World, seconds: float) -> tuple[str, int]:
    """A run in this process, for many tries in little time, with a signal after so long: its status and exit code."""
    stop = Stop()

    def strike(_number: int, _frame: object) -> None:
        stop.ask()

    previous = signal.signal(signal.SIGUSR1, strike)
    timer = threading.Timer(seconds, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    timer.start()
    try:
        result = world.sync(stop)
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGUSR1, previous)
    deadline = time.monotonic() + TIMEOUT
    while world.query(
        "SELECT FROM pg_stat_activity WHERE application_name = 'syncer sync' AND datname = current_database()"
    ):
        assert time.monotonic() < deadline  # the server lets go of the lock a little after we do of the session
    return result.report.status, sync.exit_code(result)


@pytest.mark.parametrize("before", [True, False], ids=["in a later sync", "in the initial sync"])
def test_told_true_the_answer_lost_then_gone(world: World, before: bool) -> None:
    rows: list[Row] = [("VIP Buyers", "u1", "ann@example.com")] if before else []
    world.warehouse.replace(rows)
    if before:
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


# --- the database dies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", ["syncer sync", "syncer delivery to segment"])
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
        assert ended == [(True,)]
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 6, stderr
    assert "Traceback" not in stderr
    assert '"run_id":1' in stdout
    wait_until_idle(world.receiver)

    assert_next_run_is_right(world, MANY)


@pytest.fixture
def embedded_world(
    tmp_path: Path, receiver: SegmentReceiver, request: pytest.FixtureRequest
) -> Iterator[EmbeddedWorld]:
    """A state of its own, whose server may be killed, and which leaves none behind."""
    warehouse = Write(request.getfixturevalue("new_database")("template0"))
    world = EmbeddedWorld(tmp_path, warehouse, "", receiver)
    yield world
    if world.data_dir.is_dir() and Home(world.data_dir).is_alive():
        with suppress(errors.StateError), embedded.running(world.data_dir):
            pass


def test_killed_with_an_embedded_state(embedded_world: EmbeddedWorld) -> None:
    world = embedded_world
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=2)
    with running(world, "sync") as process:
        gate.wait_for()
        kill(process)
    gate.open()
    assert Home(world.data_dir).is_alive()  # nobody was left to stop it

    assert_next_run_is_right(world, MANY)
    assert not Home(world.data_dir).is_alive()


def test_the_database_server_is_killed_in_a_run(embedded_world: EmbeddedWorld) -> None:
    world = embedded_world
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=2)
    with running(world, "sync", "--json") as process:
        gate.wait_for()
        server = Home(world.data_dir).server()
        assert server
        os.kill(server.pid, signal.SIGKILL)
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 6, stderr
    assert "Traceback" not in stderr
    assert '"run_id":1' in stdout
    wait_until_idle(world.receiver)

    assert_next_run_is_right(world, MANY)
