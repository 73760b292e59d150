"""The console as people start it: `syncer console`, and in a daemon; a run by the API, and how it ends."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from syncer.receivers.loopback import Delay
from syncer.receivers.segment import ReceivedRequest
from tests.world import DEADLINE, World, members, truth, until

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def answering(world: World, *command: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The process, and a client of the address that it says."""
    with world.start(*command) as process:
        try:
            assert process.stderr is not None
            address = next(
                found[1] for line in process.stderr if (found := re.search(r'"address": ?"([\d.]+:\d+)"', line))
            )
            with httpx.Client(base_url=f"http://{address}", headers=BEARER, timeout=DEADLINE) as client:
                yield process, client
        finally:
            process.kill()
            process.wait()


def ended(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """What it says while it ends, once it was asked to."""
    process.send_signal(number)
    said = "".join(process.communicate(timeout=DEADLINE))
    assert process.returncode == 0, said
    return said


def test_a_run_of_a_console_lands_before_that_ends(world: World) -> None:
    world.extra = f'[console]\ntoken = "{TOKEN}"\n'
    world.warehouse.replace(members(5))
    arrived: list[ReceivedRequest] = []

    def slowly(request: ReceivedRequest) -> Delay:
        arrived.append(request)
        return Delay(1.0)

    world.receiver.script = slowly
    with answering(world, "console", "--listen", "127.0.0.1:0") as (process, console):
        assert console.post("/api/runs").json() == {"run_id": 1}
        until(lambda: arrived)
        said = ended(process, signal.SIGINT)
    assert world.query("SELECT status FROM sync_runs") == [("succeeded",)]
    assert world.believed() == truth(members(5))
    assert TOKEN not in said


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0"])
def test_a_daemon_serves_it_and_makes_the_run(world: World, listen: str) -> None:
    world.extra = f"""
[console]
served = true
token = "{TOKEN}"
[health]
listen = "{listen}"
[schedule]
every = "1h"
jitter = "0s"
"""
    world.warehouse.replace(members(5))
    with answering(world, "daemon") as (process, console):
        until(lambda: world.query("SELECT FROM sync_runs WHERE finished_at IS NOT NULL"))
        world.warehouse.replace(members(6))
        begun = console.post("/api/runs")
        assert (begun.status_code, begun.json()) == (201, {"run_id": 2})
        report = console.get("/api/runs/2", params={"wait": 60}).json()["report"]
        assert (report["trigger"], report["status"]) == ("request", "succeeded")
        for wrong in range(3):
            assert console.get("/now.json", headers={"Authorization": f"Bearer wrong{wrong}"}).status_code == 401
        assert console.get("/metrics").status_code == 200
        said = ended(process, signal.SIGTERM)
    assert world.believed() == truth(members(6))
    assert TOKEN not in said
    assert "wrong1" not in said
