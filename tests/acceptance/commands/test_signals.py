"""Commands that get signals, or are killed."""

import json
import signal
from typing import Any

import psycopg
import pytest

from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest, Script
from tests.acceptance.commands.contract import ROWS, assert_contract
from tests.acceptance.worlds import TIMEOUT, Gate, assert_presentable, read_until, running
from tests.world import Row, World, truth

MANY: list[Row] = [("VIP Buyers", f"u{n}", f"user{n}@example.com") for n in range(3000)]

AT_ONCE = 10.0
"""Seconds; the request in flight would be given up only after 30."""


def refusing(email: str) -> Script:
    """A receiver's script: it refuses every request with this address, and takes nothing of it."""

    def script(request: ReceivedRequest) -> Fault | None:
        has_it = any(event["traits"]["email"] == email for event in request.events)
        return Answer(400, apply=0) if has_it else None

    return script


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_pages_in_flight_end(world: World, number: signal.Signals) -> None:
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=1)
    with running(world, "sync", "--json") as process:
        gate.wait_for()
        process.send_signal(number)
        said = read_until(process, "stopping")
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert_presentable(stdout + said + stderr)
    report = json.loads(stdout)
    assert_contract(report)
    assert report["status"] == "interrupted"
    (destination,) = report["destinations"]
    assert destination["succeeded"] == world.receiver.event_count == 2500
    assert destination["aborted"] == len(MANY) - 2500

    assert world.command("sync").returncode == 0
    assert world.believed() == truth(MANY)
    assert world.receiver.event_count == len(MANY)


def test_a_signal_while_the_warehouse_is_read_sends_nothing(world: World) -> None:
    with psycopg.connect(world.warehouse.url) as owner:
        owner.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        with running(world, "sync", "--json") as process:
            read_until(process, "reading the warehouse")
            process.send_signal(signal.SIGTERM)
            stdout, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    report = json.loads(stdout)
    assert_contract(report)
    assert report["status"] == "interrupted"
    assert world.receiver.requests == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(world: World, number: signal.Signals) -> None:
    gate = Gate(world.receiver, passing=0)
    with running(world, "sync", "--json") as process:
        gate.wait_for(1)
        process.send_signal(number)
        read_until(process, "stopping")
        process.send_signal(number)
        assert process.wait(AT_ONCE) == 128 + number
    gate.open()
    assert world.command("sync").returncode == 0
    assert world.believed() == truth(ROWS)


@pytest.mark.parametrize(
    ("command", "recorded"),
    [
        (["sync", "--destination", "segment"], ("sync", {"audiences": [], "destinations": ["segment"]}, 2)),
        (["resync", "--audience", "VIP Buyers"], ("resync", {"audiences": ["VIP Buyers"], "destinations": []}, 2)),
        (["retry"], ("retry", {"who": [], "contacts": 1}, None)),
    ],
    ids=["sync", "resync", "retry"],
)
def test_an_action_is_recorded_though_its_run_is_killed(
    world: World, command: list[str], recorded: tuple[str, Any, int | None]
) -> None:
    world.receiver.script = refusing("bob@example.com")
    assert world.command("sync").returncode == 8
    world.warehouse.replace([*ROWS, ("VIP Buyers", "u4", "dan@example.com")])
    gate = Gate(world.receiver, passing=world.receiver.http.arrived)
    with running(world, *command) as process:
        gate.wait_for(1)
        process.kill()
    gate.open()
    actions = world.query("SELECT action, arguments, run_id FROM operator_actions ORDER BY at")
    assert actions[1:] == [recorded]
