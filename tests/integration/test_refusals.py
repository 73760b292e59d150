"""Refused requests, end to end: the contacts to blame are found, and no others are touched (rule 18)."""

from collections.abc import Callable

import pytest

from syncer import sync
from syncer.models import Status
from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest
from tests.world import VIP, Row, World, members, truth


def refusing(contacts: list[str]) -> Callable[[ReceivedRequest], Fault | None]:
    """400 to every request that holds one of these contacts; nothing of it is accepted."""

    def answer(request: ReceivedRequest) -> Fault | None:
        held = {event["traits"]["email"] for event in request.events}
        return Answer(400, body=b'{"message":"we do not like this one"}') if held.intersection(contacts) else None

    return answer


@pytest.mark.parametrize("bad", [["u0000@x.io"], ["u0007@x.io", "u0199@x.io"]])
def test_only_the_contact_that_is_to_blame_fails(world: World, bad: list[str]) -> None:
    rows = members(200)
    world.warehouse.replace(rows)
    world.receiver.script = refusing(bad)

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.INCOMPLETE, 8)
    destination = result.report.destinations[0]
    assert (destination.failed, destination.succeeded) == (len(bad), 200 - len(bad))
    assert destination.requests == len(world.receiver.requests)
    assert world.believed() == truth(row for row in rows if row[2] not in bad)
    assert world.receiver.duplicates == 0
    refused = world.query("SELECT contact, outcome::text, http_status, alone FROM sync_exception ORDER BY contact")
    assert refused == [(contact, "failed", 400, True) for contact in bad]
    logged = world.query("SELECT contact, failure_reason FROM sync_changelog WHERE status <> 'succeeded' ORDER BY 1")
    assert [contact for contact, _ in logged] == bad
    assert all("we do not like this one" in reason for _, reason in logged)


def test_requests_that_are_too_large_are_split_until_they_fit(world: World) -> None:
    rows = members(300)
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: Answer(413) if len(request.events) > 40 else None

    report = world.sync().report

    assert report.status == "succeeded"
    assert world.believed() == truth(rows)
    assert world.query("SELECT * FROM sync_exception") == []
    assert world.receiver.event_count == 300


def test_a_destination_that_refuses_everybody_is_stopped_and_no_contact_is_blamed(world: World) -> None:
    rows = members(1200)
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: Answer(400, body=b'{"message":"source is disabled"}')

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 7)
    destination = result.report.destinations[0]
    assert (destination.failed, destination.unknown, destination.aborted) == (0, 0, 1200)
    assert "source is disabled" in str(destination.error)
    assert world.query("SELECT DISTINCT status FROM sync_changelog") == [("aborted",)]
    assert world.query("SELECT * FROM refused_contacts") == []
    assert world.receiver.belief == {}

    world.receiver.script = None
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(rows)


def test_what_was_settled_before_everybody_was_refused_is_forgiven(world: World) -> None:
    """Six removals make a page of their own; the additions that follow make the ten full."""
    world.warehouse.replace(members(6))
    world.sync()
    world.receiver.script = lambda request: Answer(400, body=b'{"message":"source is disabled"}')
    entered: list[Row] = [(VIP, f"n{number}", f"n{number}@x.io") for number in range(6)]
    world.warehouse.replace(entered)

    result = world.sync()

    assert sync.exit_code(result) == 7
    assert world.query("SELECT outcome::text, count(*) FROM sync_exception GROUP BY 1") == [("aborted", 6)]
    assert world.query("SELECT status, count(*) FROM sync_changelog WHERE run_id = 2 GROUP BY 1") == [("aborted", 12)]
    assert world.believed() == truth(members(6))
