"""kill -9, of the command and of the database, in the middle of everything: the next run makes the belief true."""

import gc
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncer import control, embedded, errors, sync
from syncer.destinations import segment
from syncer.embedded.data_dir import DataDir
from syncer.receivers.loopback import EVERYTHING, Delay, Fault, Hang, Reset
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from syncer.stopping import Stop
from tests.acceptance.worlds import IN_FLIGHT, TIMEOUT, EmbeddedWorld, Gate
from tests.world import Report, Row, World, Write, truth

PAGE = 500
KILLS = int(os.environ.get("SYNCER_TEST_KILLS") or 40)
"""How many processes die in the random test; read before the environment is cleaned."""

SEED = int(os.environ.get("SYNCER_TEST_SEED") or 20)

MANY: list[Row] = [
    (audience, f"u{n}", f"user{n}@example.com")
    for n in range(4000)
    for audience in ("VIP Buyers", "Early Birds")
    if n % 3 or audience == "VIP Buyers"
]
FEW = [row for row in MANY if str(row[1]) < "u2"]
"""Some 1,100 contacts."""


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
    wait_until_let_go(world)
    result = world.sync()
    assert sync.exit_code(result) == 0, result.report
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


WARM = """
import json, os, signal, sys, threading, time
from syncer import sql
from syncer.cli import main
from syncer.destinations import http, segment

segment.PAGE_SIZE = int(sys.argv[1])
lock = threading.Lock()


def die(moment, nth, delay):
    left = nth

    def reached(now):
        nonlocal left
        with lock:
            left -= now == moment
            if left or now != moment:
                return
        if delay:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    query, post = sql.query, http.HttpSender.post

    def mortal_query(name):
        reached(name)
        return query(name)

    def mortal_post(*arguments):
        reached("request")
        try:
            return post(*arguments)
        finally:
            reached("answer")

    sql.query, http.HttpSender.post = mortal_query, mortal_post


for line in sys.stdin:
    arguments, moment, nth, delay, said = json.loads(line)
    pid = os.fork()
    if not pid:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(2, 1)
        sys.argv = ["syncer", *arguments]
        die(moment, nth, delay)
        main()
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""The command in a process that is warm, because to import all of it takes longer than to run it. Each line that it
reads forks one, which kills itself when the moment comes for the nth time, or so many seconds later."""

ONCE = (
    "open_run",
    "stage_members",
    "analyze_tables",
    "diff_members",
    "fold_changes",
    "write_changes",
    "write_pages",
    "mark_planned",
    "pin_audiences",
    "tally_identifies",
    "close_run",
)
OFTEN = ("load_page", "claim_pages", "request", "answer", "settle_pages")
SMALL_PAGE = 100


class Mortals:
    """Commands that die."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said"
        self._warm = subprocess.Popen(
            [sys.executable, "-c", WARM, str(SMALL_PAGE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        with self._warm:
            self._warm.communicate()

    def run(self, world: World, command: str, moment: str, nth: int = 1, delay: float = 0.0) -> bool:
        """Whether it was killed; if not, it was faster."""
        killed = self._run(world, command, moment, nth, delay)
        wait_until_let_go(world)
        return killed

    def _run(self, world: World, command: str, moment: str, nth: int, delay: float) -> bool:
        assert self._warm.stdin
        assert self._warm.stdout
        arguments = ["--config", str(world.config), command]
        self._warm.stdin.write(json.dumps([arguments, moment, nth, delay, str(self._said)]) + "\n")
        self._warm.stdin.flush()
        code = int(self._warm.stdout.readline())
        wait_until_idle(world.receiver)
        assert code in (0, 5, -signal.SIGKILL), self._said.read_text()
        return code == -signal.SIGKILL

    def run_alone(self, world: World, dice: random.Random) -> bool:
        """The same where nobody else may ask the state whether they are gone."""
        return self._run(world, "sync", dice.choice(OFTEN), dice.randint(1, 7), 0.0)

    def run_somewhere(self, world: World, command: str, dice: random.Random) -> bool:
        """Kills it at, or a little after, some moment of a run."""
        delay = dice.choice([0.0, 0.0, dice.random() / 200, dice.random() / 20])
        if dice.random() < 0.35:
            return self.run(world, command, dice.choice(ONCE), 1, delay)
        return self.run(world, command, dice.choice(OFTEN), dice.randint(1, 7), delay)


@pytest.fixture
def mortals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mortals]:
    monkeypatch.setattr(segment, "PAGE_SIZE", SMALL_PAGE)
    with closing(Mortals(tmp_path)) as mortals:
        yield mortals


def wait_until_let_go(world: World) -> None:
    """The server lets go of the lock a little after whoever held it is gone."""
    deadline = time.monotonic() + TIMEOUT
    while world.query(
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'syncer%' AND datname = current_database()"
    ):
        assert time.monotonic() < deadline


@dataclass
class Tally:
    """What came of many kills. `repeated`: told again although settled and unchanged, which must not be.

    `in_flight_again`: told again because its answer was lost; `most`: the most of them by one kill.
    """

    kills: int = 0
    resyncs: int = 0
    runs: int = 0
    wrong: int = 0
    lost: int = 0
    repeated: int = 0
    in_flight_again: int = 0
    most: int = 0


def test_killed_at_random_moments(world: World, mortals: Mortals, report: Report) -> None:
    """One to three kills in a row, the warehouse moves on or does not, then a run that nothing disturbs."""
    dice = random.Random(SEED)
    world.extra = "[guard]\nmax_removed_fraction = 1.0"  # the guard has its own test
    world.receiver.script = lambda _request: Delay(dice.random() / 100)
    rows = FEW
    tally = Tally()
    while tally.kills < KILLS:
        rows = shuffled(rows, dice)
        world.warehouse.replace(rows)
        for _ in range(dice.randint(1, 3)):
            command = dice.choice(["sync", "sync", "resync"])
            killed_and_went_on(world, mortals, command, dice, tally)
        if dice.random() < 0.3:
            rows = shuffled(rows, dice)
            world.warehouse.replace(rows)

        result = world.sync()

        assert result.report.status == "succeeded", result.report
        tally.runs += 1
        tally.wrong += len(world.believed() ^ truth(rows))
        tally.lost += len(truth(rows) - world.believed())
        assert world.query("SELECT FROM uncertain") == []
    assert world.verify().differences == 0
    report(f"killed at random moments: {tally}")
    assert (tally.wrong, tally.lost, tally.repeated) == (0, 0, 0)
    assert tally.most <= IN_FLIGHT * SMALL_PAGE


def killed_and_went_on(world: World, mortals: Mortals, command: str, dice: random.Random, tally: Tally) -> None:
    """Kills one, and now and then looks at what the next run, with the same warehouse, tells again."""
    events = world.receiver.event_count
    if not mortals.run_somewhere(world, command, dice):
        return
    tally.kills += 1
    tally.resyncs += command == "resync"
    if dice.random() < 0.5:
        return
    done_before, told_before = settled(world), set(told_since(world, events))
    events = world.receiver.event_count
    assert world.sync().report.status == "succeeded"
    tally.runs += 1
    again = set(told_since(world, events))
    tally.repeated += len(done_before & told_before & again)  # without those of an earlier run, if it opened none
    tally.in_flight_again += len(told_before & again)
    tally.most = max(tally.most, len(told_before & again))


def shuffled(rows: Sequence[Row], dice: random.Random) -> list[Row]:
    """The warehouse some time later: most of what was there still is, and some of the rest has come."""
    known = set(rows)
    return [row for row in FEW if dice.random() < (0.8 if row in known else 0.3)]


def test_a_full_resync_that_is_killed_goes_on_where_it_was(world: World, mortals: Mortals, report: Report) -> None:
    dice = random.Random(SEED)
    world.warehouse.replace(FEW)
    world.sync()
    contacts, events, kills = len(world.receiver.belief), world.receiver.event_count, 0
    world.receiver.script = lambda _request: Delay(dice.random() / 100)
    command = "resync"
    while kills < 5:
        # Each comes a little further than to its first answers: what was accepted is not told again.
        kills += mortals.run(world, command, dice.choice(["answer", "settle_pages", "claim_pages"]), dice.randint(2, 4))
        command = "sync"
        if not world.query("SELECT FROM resync"):
            break
    result = world.sync()

    assert result.report.status == "succeeded"
    told = told_since(world, events)
    report(f"a full resync of {contacts}, killed {kills} times: {len(told)} were told in all")
    assert len(set(told)) == contacts
    assert contacts <= len(told) <= contacts + kills * IN_FLIGHT * SMALL_PAGE
    assert world.believed() == truth(FEW)
    world.sync()
    assert world.query("SELECT FROM resync") == []
    assert len(told_since(world, events)) == len(told)


def test_killed_with_changes_that_are_held_and_approved(world: World, mortals: Mortals, report: Report) -> None:
    """What was approved goes out in spite of it all; what still waits for approval goes on waiting."""
    dice = random.Random(SEED)
    world.warehouse.replace(FEW)
    world.sync()
    left = [row for number, row in enumerate(FEW) if number % 4 == 0]
    world.warehouse.replace(left)
    assert world.sync().report.status == "held"
    before = world.believed()
    waiting = world.query("SELECT contact, property, op FROM held_changes ORDER BY 1, 2, 3")
    with world.state() as state:
        approved = control.approve(state, 2, ["VIP Buyers"])
    world.receiver.script = lambda _request: Delay(dice.random() / 100)
    kills = 0
    for _ in range(6):
        kills += mortals.run_somewhere(world, "sync", dice)

    assert world.sync().report.status == "held"
    still = [row for row in waiting if row[1] == "early_birds"]
    assert len(waiting) - len(still) == approved > 0
    assert world.query("SELECT contact, property, op FROM held_changes ORDER BY 1, 2, 3") == still
    kept = {(contact, name) for contact, name in before if name == "early_birds"}
    assert world.believed() == {each for each in truth(left) if each[1] == "vip_buyers"} | kept
    with world.state() as state:
        control.approve(state, world.query("SELECT max(run_id) FROM run")[0][0])
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(left)
    report(f"killed {kills} times with {approved} approved and {len(still)} held changes: all as it was said")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_at_random_moments_of_reading_and_planning(world: World) -> None:
    """Wherever in the drivers the signal strikes, the run is closed and told."""
    dice = random.Random(SEED)
    world.warehouse.replace(MANY[:100])
    ended = {interrupted_run(world, dice.random() / 4) for _ in range(2 * KILLS)}
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


# --- the database dies -------------------------------------------------------------------------------------


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


@pytest.fixture
def embedded_world(
    tmp_path: Path, receiver: SegmentReceiver, request: pytest.FixtureRequest
) -> Iterator[EmbeddedWorld]:
    """A state of its own, whose server may be killed, and which leaves none behind."""
    warehouse = Write(request.getfixturevalue("new_database")("template0"))
    world = EmbeddedWorld(tmp_path, warehouse, "", receiver)
    yield world
    if world.data_dir.is_dir() and DataDir(world.data_dir).is_alive():
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
    assert DataDir(world.data_dir).is_alive()  # nobody was left to stop it

    assert_next_run_is_right(world, MANY)
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


def test_process_and_database_server_are_killed_at_random_moments(
    embedded_world: EmbeddedWorld, mortals: Mortals, report: Report
) -> None:
    """The server dies under a run in this process, or right after a process that is killed; the next run recovers."""
    dice = random.Random(SEED)
    world = embedded_world
    world.extra = "[guard]\nmax_removed_fraction = 1.0"
    world.receiver.script = lambda _request: Delay(dice.random() / 100)
    rows, servers, processes = FEW, 0, 0
    world.warehouse.replace(rows)
    world.sync()
    for turn in range(max(4, KILLS // 10)):
        rows = shuffled(rows, dice)
        world.warehouse.replace(rows)
        if turn % 2:
            servers += sync_without_server(world, dice.randint(1, 9))
        else:
            processes += mortals.run_alone(world, dice)
            servers += kill_server(world)
        wait_until_idle(world.receiver)
        if dice.random() < 0.5:
            rows = shuffled(rows, dice)
            world.warehouse.replace(rows)

        assert world.sync().report.status == "succeeded"
        assert world.believed() == truth(rows)
    report(f"killed {servers} database servers and {processes} processes: 0 wrong, 0 lost")
    assert servers > 0


def kill_server(world: EmbeddedWorld) -> bool:
    server = DataDir(world.data_dir).server()
    if server is None or not DataDir(world.data_dir).is_alive():
        return False
    os.kill(server.pid, signal.SIGKILL)
    return True


def sync_without_server(world: EmbeddedWorld, requests: int) -> bool:
    """A run in this process whose state dies while it sends: it says so, and does not hang."""
    script, dead = world.receiver.script, []

    def kill_at_last(request: ReceivedRequest) -> Fault | None:
        dead.append(request)
        if len(dead) == requests:
            kill_server(world)
        return script(request) if script else None

    world.receiver.script = kill_at_last
    with suppress(errors.StateError):
        result = world.sync()
        assert len(dead) < requests or result.report.status == "failed"
    world.receiver.script = script
    return len(dead) >= requests
