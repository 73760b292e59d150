"""kill -9 at random moments, again and again: 0 wrong, 0 lost, and only what was in flight is told again."""

import gc
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncer import control, errors, sync
from syncer.destinations import segment
from syncer.embedded.data_dir import DataDir
from syncer.receivers.loopback import Delay, Fault
from syncer.receivers.segment import ReceivedRequest
from syncer.stopping import Stop
from tests.acceptance.kills import (
    FEW,
    KILLS,
    MANY,
    SEED,
    SMALL_PAGE,
    Mortals,
    assert_next_run_is_right,
    settled,
    shuffled,
    told_since,
    wait_until_idle,
)
from tests.acceptance.worlds import IN_FLIGHT, TIMEOUT, EmbeddedWorld
from tests.world import Report, World, truth

pytestmark = pytest.mark.fresh_sessions


@pytest.fixture
def mortals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mortals]:
    monkeypatch.setattr(segment, "PAGE_SIZE", SMALL_PAGE)
    with closing(Mortals(tmp_path)) as mortals:
        yield mortals


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
    """A run in this process, with a signal after this many seconds: its status and exit code. Many take little time."""
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
