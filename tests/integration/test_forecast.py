"""What a plan would send: to whom and why, in which bytes, and how much that is; compared with what then came."""

import json
from collections import Counter
from typing import Any

import pytest

from syncer.receivers.loopback import EVERYTHING, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, members


def listed(world: World, *arguments: str) -> list[dict[str, Any]]:
    done = world.command("plan", "--people", "0", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()[:-1]]


def reasons(world: World) -> set[tuple[str, str, str | None]]:
    return {(each["contact"], each["op"], each["why"]) for each in listed(world)}


def forecast(world: World) -> list[str]:
    lines = [line.rstrip() for line in world.command("plan").stdout.splitlines()]
    return lines[lines.index("forecast") + 2].split()


def test_who_would_be_told_what_is_whom_the_run_tells(world: World) -> None:
    world.warehouse.replace(members(5))
    world.sync()
    world.warehouse.replace([*members(4), *members(2, CHURN)])

    people = listed(world)

    assert [(each["audience"], each["op"], each["contact"], each["value"], each["why"]) for each in people] == [
        (CHURN, "added", "u0000@x.io", "true", None),
        (CHURN, "added", "u0001@x.io", "true", None),
        (VIP, "removed", "u0004@x.io", "false", None),
    ]
    before = world.believed()
    world.sync()
    changed = {(each["contact"], each["property"]) for each in people}
    assert world.believed() ^ before == changed
    assert listed(world) == []


def test_samples_are_some_of_each_audience_and_op_with_the_contacts_of_a_table(world: World) -> None:
    world.warehouse.replace(members(3))
    world.sync()
    world.warehouse.replace([*members(40, first=2), *members(50, CHURN)])

    lines = world.command("plan", "--people", "--csv").stdout.splitlines()

    assert lines[0] == "destination,audience,op,contact,user_id,value,waits,why"
    assert Counter(tuple(line.split(",")[1:3]) for line in lines[1:]) == {
        (CHURN, "added"): 20, (VIP, "added"): 20, (VIP, "removed"): 2,
    }  # fmt: skip
    assert len(world.command("plan", "--people", "3", "--csv").stdout.splitlines()) == 1 + 3 + 3 + 2


def test_a_name_that_a_table_program_would_take_for_a_formula_is_none(world: World) -> None:
    world.warehouse.replace([(VIP, "=1+1", "=1+1@x.io")])

    assert ",'=1+1@x.io,'=1+1," in world.command("plan", "--people", "--csv").stdout


def test_the_reason_stands_beside_what_is_not_plain(world: World) -> None:
    moves: list[Row] = [(VIP, "u8", "old@x.io"), (VIP, "u9", "left@x.io"), (VIP, "u9", "kept@x.io")]
    world.warehouse.replace([*members(2), *moves])
    world.sync()
    world.warehouse.replace([*members(2), (VIP, "u8", "new@x.io"), (VIP, "u9", "kept@x.io")])

    assert reasons(world) == {
        ("old@x.io", "removed", "moved"),
        ("new@x.io", "added", "moved"),
        ("left@x.io", "removed", "merged"),
        ("kept@x.io", "reasserted", "follows"),
    }


def test_who_is_suppressed_is_called_so(world: World) -> None:
    world.warehouse.replace(members(3))
    world.sync()
    world.extra = "[suppress]\nquery = \"SELECT 'U0001@x.io' AS email\"\n"
    world.warehouse.replace(members(2))

    assert reasons(world) == {("u0001@x.io", "removed", "suppressed"), ("u0002@x.io", "removed", None)}


def test_who_is_uncertain_is_called_so(world: World) -> None:
    world.warehouse.replace(members(2))
    world.sync()
    world.receiver.script = lambda _: Reset(apply=EVERYTHING)
    world.warehouse.replace([*members(2), *members(1, CHURN, first=7)])
    world.sync()
    world.receiver.script = None
    assert world.in_doubt() == {"u0007@x.io"}

    assert reasons(world) == {("u0007@x.io", "added", "uncertain")}


def test_what_is_held_is_listed_as_waiting(world: World) -> None:
    world.extra = "[guard]\nmin_removed = 2\n"
    world.warehouse.replace(members(4))
    world.sync()
    world.warehouse.replace(members(1))

    assert [(each["op"], each["waits"]) for each in listed(world)] == [("removed", "held")] * 3


@pytest.mark.parametrize("contacts", [0, 1, 120])
def test_the_forecast_is_what_then_comes(world: World, contacts: int) -> None:
    world.destination_extra = "max_events_per_second = 1000"
    world.warehouse.replace(members(2))
    world.sync()
    world.receiver.requests.clear()
    world.warehouse.replace([*members(2 + contacts), *members(2, CHURN)])

    foreseen = forecast(world)
    report = world.sync().report.destinations[0]

    calls, requests = report.planned, len(world.receiver.requests)
    assert foreseen == ["segment", str(calls), "0", str(requests), f"{calls / 1000}", str(contacts)]


def test_a_request_is_printed_as_it_is_then_sent(world: World) -> None:
    world.warehouse.replace(members(3))

    done = world.command("plan", "--request", " U0001@x.io")
    came: list[ReceivedRequest] = []
    world.receiver.script = came.append
    world.sync()

    [printed] = json.loads(done.stdout.splitlines()[-1])["batch"]
    [sent] = [dict(event) for each in came for event in each.events if event["traits"]["email"] == "u0001@x.io"]
    for event in (printed, sent):
        del event["messageId"], event["timestamp"]
    assert printed == sent
    assert "nothing would be told" in world.command("plan", "--request", "u0001@x.io").stderr


@pytest.mark.parametrize(
    ("identity", "who", "user"),
    [("email", "\u00a0B@x.io\t", "u1"), ("user_id", "U1", "U1"), ("user_id", "u1", "u1"), ("user_id", " u1", None)],
)
def test_a_request_is_about_nobody_else(world: World, identity: str, who: str, user: str | None) -> None:
    """A contact is told apart as the destination does: an address is folded, a user id is not."""
    world.destination_extra += f'\nidentity = "{identity}"'
    world.warehouse.replace([(VIP, "U1", "a@x.io"), (VIP, "u1", "b@x.io")])

    lines = world.command("plan", "--request", who).stdout.splitlines()

    bodies = [json.loads(line)["batch"] for line in lines if line.startswith("{")]
    assert [event["userId"] for batch in bodies for event in batch] == ([user] if user else [])


def test_a_table_alone_needs_people(world: World) -> None:
    assert world.command("plan", "--csv").returncode == 2
    assert world.command("plan", "--people", "--csv", "--json").returncode == 2
