"""Commands that are killed, from outside or at a moment of their own, and what is looked at afterwards."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from syncer import sync
from syncer.receivers.segment import SegmentReceiver
from tests.acceptance.worlds import TIMEOUT
from tests.world import Row, World, truth

PAGE = 500

KILLS = int(os.environ.get("SYNCER_TEST_KILLS") or 25)
"""How many processes die in the random test; read before the environment is cleaned."""

SEED = int(os.environ.get("SYNCER_TEST_SEED") or 20)

MANY: list[Row] = [
    (audience, f"u{n}", f"user{n}@example.com")
    for n in range(4000)
    for audience in ("VIP Buyers", "Early Birds")
    if n % 3 or audience == "VIP Buyers"
]

FEW = [row for row in MANY if str(row[1]) < "u13"]
"""Some 330 contacts."""


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
reads forks one, which kills itself when the moment comes for the nth time, or this many seconds later."""

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

SMALL_PAGE = 30


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


def wait_until_let_go(world: World) -> None:
    """The server lets go of the lock a little after whoever held it is gone."""
    deadline = time.monotonic() + TIMEOUT
    while world.query(
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'syncer%' AND datname = current_database()"
    ):
        assert time.monotonic() < deadline


def shuffled(rows: Sequence[Row], dice: random.Random) -> list[Row]:
    """The warehouse some time later: most of what was there still is, and some of the rest has come."""
    known = set(rows)
    return [row for row in FEW if dice.random() < (0.8 if row in known else 0.3)]
