"""Truth under faults: what is known after answers were lost, refused or never came (rules 14, 15, 18, 19)."""

from collections.abc import Callable

import pytest

from syncer import sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset, Truncate
from syncer.receivers.segment import ReceivedRequest
from tests.world import VIP, World, members, truth

pytestmark = pytest.mark.usefixtures("unguarded")


def always(fault: Fault) -> Callable[[ReceivedRequest], Fault]:
    return lambda request: fault


def uncertain(world: World) -> list[str]:
    return [contact for (contact,) in world.query("SELECT contact FROM uncertain ORDER BY contact")]


NEVER: list[tuple[Fault, str, bool]] = [
    (Answer(500, apply=0), "unknown", False),
    (Answer(500, apply=EVERYTHING), "unknown", True),
    (Answer(503, apply=0), "unknown", False),
    (Answer(408, apply=EVERYTHING), "unknown", True),
    (Reset(apply=0), "unknown", False),
    (Reset(apply=EVERYTHING), "unknown", True),
    (Truncate(apply=EVERYTHING), "unknown", True),
    (Answer(429, apply=0), "aborted", False),
    (Answer(429, headers={"Retry-After": "5000"}, apply=0), "aborted", False),
]


def test_an_answer_that_never_comes_stops_the_destination_and_the_next_run_tells(world: World) -> None:
    """One fault after the other, each of which somebody meets who enters."""
    for number, (fault, outcome, arrived) in enumerate(NEVER):
        world.warehouse.replace(members(number + 1))
        world.receiver.script = always(fault)

        broken = world.sync()

        assert sync.exit_code(broken) == 6, fault
        assert getattr(broken.report.destinations[0], outcome) == 1, fault
        assert world.query("SELECT count(*) FROM synced_member") == [(number,)], fault
        assert world.believed() == truth(members(number + arrived)), fault
        assert uncertain(world) == ([f"u{number:04d}@x.io"] if outcome == "unknown" else []), fault

        world.receiver.script = None
        assert world.sync().report.status == "succeeded", fault
        assert world.believed() == truth(members(number + 1)), fault
        assert uncertain(world) == [], fault


def test_who_was_told_true_in_a_lost_answer_and_left_is_told_false(world: World) -> None:
    world.warehouse.replace(members(1))
    world.receiver.script = always(Reset(apply=EVERYTHING))
    world.sync()
    assert world.believed() == truth(members(1))

    world.receiver.script = None
    world.warehouse.replace([])
    report = world.sync().report

    assert report.status == "succeeded"
    assert world.receiver.belief["u0000@x.io"]["vip_buyers"] is False
    assert uncertain(world) == []
    assert world.sync().report.destinations[0].planned == 0


def test_who_was_told_false_in_a_lost_answer_and_came_back_is_told_true(world: World) -> None:
    world.warehouse.replace(members(1))
    world.sync()
    world.receiver.script = always(Reset(apply=EVERYTHING))
    world.warehouse.replace([])
    world.sync()
    assert world.believed() == set()

    world.receiver.script = None
    world.warehouse.replace(members(1))
    report = world.sync().report

    assert (report.audiences[0].added, report.destinations[0].succeeded) == (0, 1)
    assert world.believed() == truth(members(1))


def test_an_uncertain_true_does_not_cover_another_user(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.receiver.script = always(Reset(apply=0))
    world.sync()
    world.receiver.script = None
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")])

    world.sync()

    assert world.believed() == {("a@x.io", "vip_buyers")}
    assert world.query("SELECT user_id FROM synced_member ORDER BY 1") == [("u1",), ("u2",)]


def test_an_uncertain_contact_that_a_skipped_row_still_names_waits(world: World) -> None:
    world.warehouse.replace(members(1))
    world.receiver.script = always(Reset(apply=EVERYTHING))
    world.sync()
    world.receiver.script = None
    world.warehouse.replace([(VIP, "u0000", None)])

    report = world.sync().report

    assert report.destinations[0].planned == 0
    assert uncertain(world) == ["u0000@x.io"]


def test_a_destination_that_refuses_us_stops_at_once(world: World) -> None:
    """After one page, and ten contacts by themselves where the answer might be about one of them."""
    world.warehouse.replace(members(1200))
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    for status, requests in ((302, 1), *((status, 11) for status in (401, 402, 403, 404, 410))):
        world.receiver.script = always(Answer(status, apply=0))

        result = world.sync()

        assert (sync.exit_code(result), result.report.status) == (7, Status.FAILED), status
        destination = result.report.destinations[0]
        found = (destination.status, destination.requests, destination.aborted)
        assert found == ("failed", requests, 1200), status
        assert str(status) in str(destination.error)
    assert world.query("SELECT DISTINCT status, attempted_at IS NULL FROM sync_changelog WHERE user_id > 'u0500'") == [
        ("aborted", True)
    ]


def test_a_refused_request_is_recorded_in_the_receivers_words_and_tried_again(world: World) -> None:
    world.warehouse.replace(members(2))
    world.receiver.script = always(Answer(400, body=b'{"message":"we do not like these"}', apply=0))

    result = world.sync()

    assert sync.exit_code(result) == 8
    assert (result.report.status, result.report.destinations[0].failed) == (Status.INCOMPLETE, 2)
    refused = world.query("SELECT contact, http_status, tries FROM refused_contacts ORDER BY contact")
    assert refused == [("u0000@x.io", 400, 1), ("u0001@x.io", 400, 1)]
    assert "we do not like these" in world.query("SELECT failure_reason FROM sync_changelog")[0][0]
    assert world.query("SELECT count(*) FROM synced_member") == [(0,)]

    world.receiver.script = None
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(members(2))
    assert world.query("SELECT * FROM refused_contacts") == []


def test_who_was_refused_and_left_is_no_longer_listed(world: World) -> None:
    world.warehouse.replace(members(1))
    world.receiver.script = always(Answer(400, apply=0))
    world.sync()
    world.warehouse.replace([])

    world.sync()

    assert world.query("SELECT * FROM refused_contacts") == []


def test_one_destination_that_is_down_does_not_stop_the_other(world: World) -> None:
    world.warehouse.replace(members(3))
    world.destination_extra = """max_events_per_second = 0
[[destinations]]
name = "down"
type = "segment"
write_key = "key"
endpoint = "http://127.0.0.1:9"
"""

    result = world.sync()

    statuses = {destination.name: destination.status for destination in result.report.destinations}
    assert statuses == {"segment": "succeeded", "down": "failed"}
    assert (result.report.status, sync.exit_code(result)) == (Status.FAILED, 6)
    assert world.believed() == truth(members(3))
    assert (result.report.audiences[0].members, result.report.audiences[0].added) == (3, 6)


def test_an_initial_sync_that_stops_in_the_middle_goes_on_where_it_was(world: World) -> None:
    world.warehouse.replace(members(1500))
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.receiver.script = lambda request: Answer(401, apply=0) if request.number > 1 else None

    broken = world.sync()
    world.receiver.script = None
    healed = world.sync()

    assert (broken.report.destinations[0].succeeded, broken.report.audiences[0].initial) == (500, True)
    assert (healed.report.destinations[0].succeeded, healed.report.audiences[0].initial) == (1000, True)
    assert world.receiver.event_count == 1500
    assert world.receiver.duplicates == 0
    assert world.sync().report.audiences[0].initial is False


def test_the_views_agree_with_what_the_receiver_saw(world: World) -> None:
    world.warehouse.replace(members(700))
    world.sync()
    world.warehouse.replace([*members(650), *members(40, prefix="n")])
    world.sync()

    logged = world.query("SELECT message_id, contact, property, value FROM sync_changelog WHERE status = 'succeeded'")
    seen = [
        (
            received.event["messageId"],
            received.event["traits"]["email"],
            "vip_buyers",
            received.event["traits"]["vip_buyers"],
        )
        for received in world.receiver.events
    ]
    assert sorted(logged) == sorted(seen)
    counts = world.query(
        "SELECT run_id, members, num_planned_add, num_planned_remove, num_succeeded_add, num_succeeded_remove, initial"
        " FROM sync_run_counts ORDER BY run_id"
    )
    assert counts == [(1, 700, 700, 0, 700, 0, True), (2, 690, 40, 50, 40, 50, False)]
    intervals = world.query(
        "SELECT entered_run_id, exited_run_id, count(*), count(exited_at) FROM audience_membership_history"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert intervals == [(1, 2, 50, 50), (1, None, 650, 0), (2, None, 40, 0)]
