"""Events about who entered and who left (rule 30)."""

from typing import Any

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from tests.world import VIP, Row, World

pytestmark = pytest.mark.usefixtures("unguarded")

ADA: Row = (VIP, "u1", "a@x.io")
BOB: Row = (VIP, "u2", "b@x.io")


@pytest.fixture
def telling(world: World) -> World:
    """A world whose destination gets events, after an initial sync of Ada."""
    world.destination_extra += "\ntrack = true"
    told_after(world, [ADA])
    return world


def events(world: World) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(event, user id, email, properties) of every track call, in order of arrival."""
    return [
        (
            received.event["event"],
            received.event["userId"],
            received.event["context"]["traits"]["email"],
            received.event["properties"],
        )
        for received in world.receiver.events
        if received.event["type"] == "track"
    ]


def told_after(world: World, rows: list[Row], code: int = 0) -> list[tuple[str, str]]:
    """(event, email) of the events that a sync of these rows sent."""
    before = len(events(world))
    world.warehouse.replace(rows)
    assert sync.exit_code(world.sync()) == code
    return [(event, email) for event, _, email, _ in events(world)[before:]]


def entered(email: str) -> tuple[str, str]:
    return ("Audience Entered", email)


def exited(email: str) -> tuple[str, str]:
    return ("Audience Exited", email)


def test_an_initial_sync_tells_no_event(telling: World) -> None:
    assert events(telling) == []


def test_who_enters_and_leaves_is_told_once(telling: World) -> None:
    told_after(telling, [ADA, BOB])
    told_after(telling, [BOB])
    told_after(telling, [BOB])

    assert events(telling) == [
        ("Audience Entered", "u2", "b@x.io", {"audience_key": "vip_buyers", "vip_buyers": True}),
        ("Audience Exited", "u1", "a@x.io", {"audience_key": "vip_buyers", "vip_buyers": False}),
    ]
    assert telling.query("SELECT count(*) FROM owed_event") == [(0,)]


def test_names_and_initial_syncs_can_be_chosen(world: World) -> None:
    world.destination_extra += '\ntrack = { entered = "In", exited = "Out", initial = true }'

    assert told_after(world, [ADA]) == [("In", "a@x.io")]
    assert told_after(world, []) == [("Out", "a@x.io")]


def test_resyncs_and_retirements_tell_none(telling: World) -> None:
    told_after(telling, [ADA, BOB])
    before = len(events(telling))

    telling.resync()
    telling.command("retire", VIP, "--yes")
    telling.sync()

    assert len(events(telling)) == before


def test_an_event_is_owed_until_it_is_accepted(telling: World) -> None:
    ids: set[str] = set()

    def no_tracks(request: Any) -> Any:
        tracks = [event for event in request.events if event["type"] == "track"]
        ids.update(event["messageId"] for event in tracks)
        return Reset(apply=EVERYTHING) if tracks else None

    telling.receiver.script = no_tracks
    told_after(telling, [ADA, BOB], code=6)
    told_after(telling, [ADA], code=6)
    telling.receiver.script = None
    assert telling.query("SELECT count(*) FROM owed_event") == [(2,)]

    told_after(telling, [ADA])

    assert [(event, email) for event, _, email, _ in events(telling)] == [entered("b@x.io"), exited("b@x.io")]
    assert ids == {
        received.event["messageId"] for received in telling.receiver.events if received.event["type"] == "track"
    }


def test_an_exit_that_was_in_doubt_and_came_back_tells_nothing(telling: World) -> None:
    telling.receiver.script = lambda _: Reset(apply=EVERYTHING)
    told_after(telling, [], code=6)
    telling.receiver.script = None

    assert told_after(telling, [ADA]) == []
    assert told_after(telling, []) == [exited("a@x.io")]


def test_an_entry_in_doubt_is_told_when_it_is_certain(telling: World) -> None:
    telling.receiver.script = lambda _: Reset(apply=EVERYTHING)
    told_after(telling, [ADA, BOB], code=6)
    telling.receiver.script = None

    assert told_after(telling, [ADA, BOB]) == [entered("b@x.io")]


def test_an_event_that_is_refused_stays_and_is_not_sent_again(telling: World) -> None:
    telling.receiver.script = lambda request: (
        Answer(400, apply=0) if any(event["type"] == "track" for event in request.events) else None
    )
    told_after(telling, [ADA, BOB])
    telling.receiver.script = None

    assert told_after(telling, [ADA, BOB]) == []
    [(refusal,)] = telling.query("SELECT refusal FROM owed_event")
    assert "400" in refusal


def test_a_paused_audience_tells_no_event(telling: World) -> None:
    telling.receiver.script = lambda request: (
        Reset(apply=0) if any(event["type"] == "track" for event in request.events) else None
    )
    told_after(telling, [ADA, BOB], code=6)
    telling.receiver.script = None
    telling.command("pause", VIP)

    assert told_after(telling, [ADA, BOB]) == []
    telling.command("resume", VIP)
    assert told_after(telling, [ADA, BOB]) == [entered("b@x.io")]


def test_no_event_is_sent_about_a_forgotten_contact(telling: World) -> None:
    telling.receiver.script = lambda request: (
        Reset(apply=0) if any(event["type"] == "track" for event in request.events) else None
    )
    told_after(telling, [ADA, BOB], code=6)
    telling.receiver.script = None
    telling.command("forget", "b@x.io", "--yes")

    assert told_after(telling, [ADA]) == []
    assert telling.query("SELECT count(*) FROM owed_event") == [(0,)]
