"""401, 402, 403, 404 and 410: about the account and its address, unless they are about one contact (rules 18, 19)."""

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from syncer import sync
from syncer.models import Status
from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest
from tests.webhook_receiver import WebhookReceiver
from tests.world import VIP, World, members, truth

TOKEN = "t0ken-of-the-hook"


@dataclass
class Hook:
    """A webhook that answers `status` to whatever tells one of these contacts."""

    world: World
    receiver: WebhookReceiver
    status: int = 403
    contacts: Collection[str] = ()

    def answer(self, items: Sequence[dict[str, Any]]) -> Answer | None:
        named = {item["traits"]["email"] for item in items if "traits" in item}
        return Answer(self.status, body=b'{"message":"not this one"}') if named.intersection(self.contacts) else None

    def believed(self) -> set[tuple[str, str]]:
        return {
            (contact, name)
            for contact, values in self.receiver.belief.items()
            for name, value in values.items()
            if value is True
        }


ONE_BY_ONE, IN_ARRAYS = 0, 10

BOTH_WAYS = pytest.mark.parametrize("hook", [ONE_BY_ONE, IN_ARRAYS], ids=["one by one", "in arrays"], indirect=True)


@pytest.fixture
def hook(world: World, request: pytest.FixtureRequest) -> Iterator[Hook]:
    with WebhookReceiver(arrays=request.param > 0, token=TOKEN) as receiver:
        world.destination_extra = f"""max_events_per_second = 0
audiences = ["nothing"]
[[destinations]]
name = "hook"
type = "webhook"
url = "{receiver.url}"
batch = {request.param}
headers = {{ Authorization = "Bearer {TOKEN}" }}
"""
        made = Hook(world, receiver)
        receiver.script = made.answer
        yield made
        assert receiver.violations == []


def listed(world: World) -> list[tuple[str, int, int]]:
    return world.query("SELECT contact, http_status, tries FROM refused_contacts ORDER BY contact")


@pytest.mark.parametrize(
    ("hook", "status", "place"),
    [(ONE_BY_ONE, 403, 0), (IN_ARRAYS, 401, 4), (IN_ARRAYS, 404, 11), (ONE_BY_ONE, 410, 4), (IN_ARRAYS, 402, 0)],
    indirect=["hook"],
)
def test_one_contact_stops_no_webhook(hook: Hook, status: int, place: int) -> None:
    rows = members(12)
    bad = str(rows[place][2])
    hook.world.warehouse.replace(rows)
    hook.status, hook.contacts = status, [bad]

    result = hook.world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.INCOMPLETE, 8)
    assert hook.believed() == truth(row for row in rows if row[2] != bad)
    assert listed(hook.world) == [(bad, status, 1)]
    ((reason,),) = hook.world.query("SELECT reason FROM refused_contacts")
    assert "not this one" in reason
    assert "check" not in reason

    assert sync.exit_code(hook.world.sync()) == 8  # alone, and known for it
    assert listed(hook.world) == [(bad, status, 2)]
    hook.world.warehouse.replace([*rows, (VIP, "new", "new@x.io")])
    assert sync.exit_code(hook.world.sync()) == 0
    hook.contacts = []
    for _ in range(2):
        hook.world.sync()
    assert listed(hook.world) == []
    assert len(hook.believed()) == 13


@pytest.mark.parametrize(
    ("hook", "status", "count"),
    [
        (ONE_BY_ONE, 401, 1),
        (IN_ARRAYS, 401, 1),
        (ONE_BY_ONE, 401, 40),
        (ONE_BY_ONE, 402, 3),
        (IN_ARRAYS, 403, 3),
        (ONE_BY_ONE, 404, 3),
        (IN_ARRAYS, 410, 40),
    ],
    indirect=["hook"],
)
def test_whoever_turns_everybody_away_is_stopped_and_nobody_is_blamed(hook: Hook, status: int, count: int) -> None:
    rows = members(count)
    hook.world.warehouse.replace(rows)
    hook.status, hook.contacts = status, [str(row[2]) for row in rows]

    for _ in range(3):
        result = hook.world.sync()
        report = next(each for each in result.report.destinations if each.name == "hook")
        assert sync.exit_code(result) == 7
        assert (report.status, report.planned, report.failed, report.aborted) == ("failed", count, 0, count)
        assert report.requests <= 21
        assert f"answered {status}" in str(report.error)
        assert {401: "check headers", 403: "check headers", 402: "check the plan"}.get(status, "check url") in str(
            report.error
        )
    assert listed(hook.world) == []

    hook.contacts = []
    assert sync.exit_code(hook.world.sync()) == 0
    assert hook.believed() == truth(rows)


@BOTH_WAYS
def test_a_key_that_is_revoked_in_the_middle_stops_it_and_blames_nobody(hook: Hook) -> None:
    """Those who were accepted before say nothing of a key that was revoked since."""
    rows = members(40)
    hook.world.warehouse.replace(rows)
    arrived = itertools.count(1)  # whatever the order in which they come: from some moment on, nobody is let in

    def revoked(items: Sequence[dict[str, Any]]) -> Answer | None:
        return Answer(401) if max(next(arrived) for _ in items) > 15 else None

    hook.receiver.script = revoked

    assert sync.exit_code(hook.world.sync()) == 7

    assert listed(hook.world) == []
    assert len(hook.believed()) in (10, 15)
    hook.receiver.script = hook.answer
    assert sync.exit_code(hook.world.sync()) == 0
    assert hook.believed() == truth(rows)


@BOTH_WAYS
def test_those_who_were_turned_away_before_are_no_row_when_they_are_tried_again(hook: Hook) -> None:
    rows = members(60)
    bad = [str(row[2]) for row in rows[::5]]
    hook.world.warehouse.replace(rows)
    hook.contacts = bad
    assert sync.exit_code(hook.world.sync()) == 8
    assert listed(hook.world) == [(contact, 403, 1) for contact in bad]

    assert sync.exit_code(hook.world.sync()) == 8

    assert listed(hook.world) == [(contact, 403, 2) for contact in bad]
    assert hook.believed() == truth(row for row in rows if row[2] not in bad)


def test_those_who_were_refused_before_are_no_row_either(world: World) -> None:
    rows = members(60)
    bad = {str(row[2]) for row in rows[::5]}
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"no"}')
        if bad.intersection(event["traits"]["email"] for event in request.events)
        else None
    )

    for tries in (1, 2):
        assert sync.exit_code(world.sync()) == 8
        assert listed(world) == [(contact, 400, tries) for contact in sorted(bad)]


def firewall(contacts: Collection[str], status: int) -> Callable[[ReceivedRequest], Fault | None]:
    """Turns away every request that holds one of these, each time in other words."""

    def answer(request: ReceivedRequest) -> Fault | None:
        named = {event["traits"]["email"] for event in request.events}
        return Answer(status, body=f"ray {request.number}".encode()) if named.intersection(contacts) else None

    return answer


@pytest.mark.parametrize(("status", "count"), [(403, 30), (404, 700)])
def test_a_page_that_is_turned_away_for_one_contact_is_halved(world: World, status: int, count: int) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    rows = members(count)
    bad = ["u0000@x.io", "u0017@x.io"]
    world.warehouse.replace(rows)
    world.receiver.script = firewall(bad, status)

    result = world.sync()

    assert sync.exit_code(result) == 8
    assert listed(world) == [(contact, status, 1) for contact in bad]
    assert world.believed() == truth(row for row in rows if row[2] not in bad)
    assert len(world.receiver.requests) < 60


def test_a_removal_that_is_turned_away_alone_stops_nothing(world: World) -> None:
    """Removals go first, so nobody was accepted in this run before."""
    world.warehouse.replace(members(12))
    world.sync()
    world.receiver.script = firewall(["u0000@x.io"], 403)
    rows = [*members(11, first=1), (VIP, "new", "new@x.io")]
    world.warehouse.replace(rows)

    assert sync.exit_code(world.sync()) == 8

    assert world.believed() == truth([*rows, *members(1)])
    assert listed(world) == [("u0000@x.io", 403, 1)]
    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(rows)


@pytest.mark.parametrize(("bad", "code", "told"), [(range(12), 7, 0), ([3], 0, 11)], ids=["all", "one"])
def test_events_that_are_all_turned_away_stay_owed(world: World, bad: Sequence[int], code: int, told: int) -> None:
    world.destination_extra = "max_events_per_second = 0\ntrack = { initial = true }"
    world.warehouse.replace(members(12))
    contacts = {f"u{number:04d}@x.io" for number in bad}
    world.receiver.script = lambda request: (
        Answer(403)
        if contacts.intersection(
            event["context"]["traits"]["email"] for event in request.events if event["type"] == "track"
        )
        else None
    )

    def events() -> int:
        return sum(each.event["type"] == "track" for each in world.receiver.events)

    assert sync.exit_code(world.sync()) == code
    assert events() == told
    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert events() == (12 if code else told)
