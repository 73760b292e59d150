"""How many requests, events and seconds a plan foresees, compared with what a receiver then counted."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from syncer.receivers.loopback import Answer, Call, Loopback
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, World, members


@pytest.fixture(autouse=True)
def _unlimited(world: World) -> None:
    world.extra = "[guard]\nmax_removed_fraction = 1.0\n"


@pytest.fixture
def hook() -> Iterator[tuple[str, list[str]]]:
    """Where a webhook is, and the methods that came to it."""
    came: list[str] = []

    def respond(call: Call) -> Answer:
        came.append(call.method)
        return Answer(200)

    with Loopback(respond) as server:
        yield server.url, came


def foreseen(world: World, name: str) -> dict[str, Any]:
    [found] = [each for each in world.json("plan")["forecast"] if each["destination"] == name]
    return {key: value for key, value in found.items() if key != "destination"}


def hooked(world: World, url: str, *lines: str) -> None:
    mine = ['audiences = ["nothing"]\n[[destinations]]\nname = "hook"\ntype = "webhook"', f'url = "{url}"', *lines]
    world.destination_extra = "\n".join(mine)


@pytest.mark.parametrize(("batch", "contacts"), [(5, 34), (3, 41), (7, 103)])
def test_whole_batches_are_counted_without_rounding(
    world: World, hook: tuple[str, list[str]], batch: int, contacts: int
) -> None:
    hooked(world, hook[0], f"batch = {batch}", "max_requests_per_second = 1000")
    world.warehouse.replace(members(contacts))

    told = foreseen(world, "hook")
    world.sync()

    assert (told["calls"], told["requests"], told["seconds"]) == (contacts, len(hook[1]), len(hook[1]) / 1000)


def test_each_kind_of_call_takes_requests_of_its_own(world: World, hook: tuple[str, list[str]]) -> None:
    """Those who enter go one by one, those who leave together, and events by tens."""
    url, came = hook
    hooked(world, url, "calls = 'per_audience'\nbatch = 10\ntrack = true\nmax_requests_per_second = 100")
    world.destination_extra += """
[destinations.templates.entered]
method = "PUT"
path = "/people/{{ user_id }}"
[destinations.templates.left]
method = "DELETE"
body = '{{ user_id }}'
[destinations.templates.event]
body = '{"id": {{ message_id }}, "who": {{ email }}}'
"""
    world.warehouse.replace(members(43))
    world.sync()
    came.clear()
    world.warehouse.replace([*members(3), *members(20, first=100), *members(1, CHURN)])

    told = foreseen(world, "hook")
    world.sync()

    assert Counter(came) == {"DELETE": 4, "PUT": 21, "POST": 6}
    assert told == {"calls": 61, "events": 60, "requests": 31, "seconds": 0.31, "strangers": 20}


@pytest.mark.parametrize("initial", [False, True])
def test_events_are_foreseen_as_they_come(world: World, initial: bool) -> None:
    world.destination_extra = f"max_events_per_second = 1000\ntrack = {{ initial = {str(initial).lower()} }}"
    world.warehouse.replace(members(6))
    first = foreseen(world, "segment")
    world.sync()
    assert first["events"] == sum(each.event["type"] == "track" for each in world.receiver.events)
    world.warehouse.replace([*members(4), *members(3, first=10), *members(2, CHURN)])
    world.receiver.script = _no_events
    expected = foreseen(world, "segment")
    world.sync()
    world.receiver.script = None
    owed = world.query("SELECT count(*) FROM owed_event")[0][0]
    assert expected["events"] == owed == (7 if initial else 5)
    world.receiver.requests.clear()

    assert foreseen(world, "segment") == {
        "calls": 0, "events": owed, "requests": 1, "seconds": owed / 1000, "strangers": 0
    }  # fmt: skip
    world.sync()
    assert [each.events for each in world.receiver.requests] == [owed]


def _no_events(request: ReceivedRequest) -> Answer | None:
    return Answer(503) if any(event["type"] == "track" for event in request.events) else None


def test_each_event_to_mailmodo_is_a_request(world: World) -> None:
    with MailmodoReceiver("AAAAAAA-BBBBBBB", lists=["Audiences"]) as mailmodo:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "AAAAAAA-BBBBBBB"
list_name = "Audiences"
endpoint = "{mailmodo.url}"
max_requests_per_second = 100
track = {{ initial = true }}
"""
        world.warehouse.replace(members(12))
        told = foreseen(world, "mailmodo")
        world.sync()
        assert len(mailmodo.events) == 12
    assert told == {"calls": 12, "events": 12, "requests": 13, "seconds": 0.13, "strangers": 12}
