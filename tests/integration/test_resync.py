"""Full resync: everything is told again until it is accepted, and nothing is rewritten up front."""

from collections.abc import Callable

import pytest

from syncer import control, errors, sync
from syncer.models import Status
from syncer.receivers.loopback import Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from syncer.stopping import Stop
from tests.world import CHURN, VIP, World, members, open_resyncs, told, truth


def synced(world: World) -> list[tuple[str, str, str]]:
    return world.query(
        "SELECT contact, audience_id::text, xmin::text FROM synced_member"
        " UNION ALL SELECT contact, audience_id::text, xmin::text FROM told_false ORDER BY 1, 2"
    )


@pytest.fixture
def grown(world: World) -> World:
    """u0 to u3 are in one audience, u0 and u1 in the other; u4 and u5 left the first one."""
    world.warehouse.replace(members(6) + members(2, CHURN))
    world.sync()
    world.warehouse.replace(members(4) + members(2, CHURN))
    world.sync()
    return world


ALL_TRUE = {(f"u000{number}@x.io", "vip_buyers", True) for number in range(4)}
ALL_FALSE = {(f"u000{number}@x.io", "vip_buyers", False) for number in (4, 5)}
CHURN_TRUE = {(f"u000{number}@x.io", "churn_risk", True) for number in range(2)}


@pytest.mark.parametrize(
    ("only", "again"),
    [
        pytest.param({}, ALL_TRUE | ALL_FALSE | CHURN_TRUE, id="everything"),
        pytest.param({"audiences": [VIP]}, ALL_TRUE | ALL_FALSE, id="an audience"),
        pytest.param({"audiences": ["churn_risk"]}, CHURN_TRUE, id="an audience by its property"),
        pytest.param({"destination_names": ["segment"]}, ALL_TRUE | ALL_FALSE | CHURN_TRUE, id="a destination"),
    ],
)
def test_what_was_told_is_told_again_once(
    grown: World, only: dict[str, list[str]], again: set[tuple[str, str, bool]]
) -> None:
    world = grown
    before, believed = world.receiver.event_count, world.believed()

    result = world.resync(**only)

    assert (result.report.status, result.report.trigger) == (Status.SUCCEEDED, "resync")
    assert sorted(told(world, before)) == sorted(again)
    assert [(each.added, each.removed, each.held) for each in result.report.audiences] == [
        (0, 0, 0) for _ in result.report.audiences
    ]
    assert {op for (op,) in world.query("SELECT op FROM sync_changelog WHERE run_id = 3")} == {"reasserted"}
    assert world.believed() == believed
    before = world.receiver.event_count
    assert world.sync().report.destinations[0].planned == 0
    assert world.receiver.event_count == before
    assert open_resyncs(world) == 0
    assert world.verify().differences == 0


def test_an_audience_that_was_never_synced_cannot_be_told_again(grown: World) -> None:
    with pytest.raises(errors.ConfigError):
        grown.resync(audiences=["Nobody"])
    assert grown.query("SELECT count(*) FROM run") == [(2,)]


def test_without_retract_it_only_asserts(grown: World) -> None:
    world = grown
    world.destination_extra += "\nretract = false"
    before = world.receiver.event_count

    world.resync()

    assert set(told(world, before)) == ALL_TRUE | CHURN_TRUE
    world.sync()
    assert open_resyncs(world) == 0


def _stopping(world: World, stop: Stop) -> Callable[[ReceivedRequest], Fault | None]:
    first = world.receiver.requests[-1].number

    def ask(request: ReceivedRequest) -> Fault | None:
        if request.number == first + 2:
            stop.asked.set()
        return None

    return ask


def _refusing(world: World, _stop: Stop) -> Callable[[ReceivedRequest], Fault | None]:
    first = world.receiver.requests[-1].number
    return lambda request: Answer(401) if request.number > first + 2 else None


@pytest.mark.parametrize("breaking", [_stopping, _refusing])
def test_an_interrupted_resync_goes_on_in_the_next_ordinary_run_with_the_rest_only(
    world: World, breaking: Callable[[World, Stop], Callable[[ReceivedRequest], Fault | None]]
) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    rows = members(2500)
    world.warehouse.replace(members(2600))
    world.sync()
    world.extra = "[guard]\nmin_removed = 1000"
    world.warehouse.replace(rows)
    world.sync()
    untouched = {contact: written for contact, _, written in synced(world)}
    before = world.receiver.event_count
    stop = Stop()
    world.receiver.script = breaking(world, stop)

    broken = world.sync(stop, "resync")

    assert broken.report.status in (Status.INTERRUPTED, Status.FAILED)
    done = {contact for contact, _, _ in told(world, before)}
    assert 0 < len(done) < 2600
    for contact, _, written in synced(world):
        assert (written != untouched[contact]) == (contact in done)
    assert world.verify().differences == 0

    # Meanwhile somebody leaves who was told again already, and somebody who was not.
    left = {min(done), "u2499@x.io"}
    rows = [row for row in rows if row[2] not in left]
    world.warehouse.replace(rows)
    before = world.receiver.event_count
    world.receiver.script = None
    rest = world.sync()

    assert rest.report.status == "succeeded"
    again = told(world, before)
    assert {contact for contact, _, _ in again} == {contact for contact, _ in truth(members(2600))} - done | left
    assert len(again) == len({contact for contact, _, _ in again})
    assert {contact for contact, _, value in again if not value} >= left
    assert rest.report.audiences[0].removed == 2
    assert world.believed() == truth(rows)
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0
    assert world.verify().differences == 0


def test_what_is_refused_or_has_no_answer_stays_due(grown: World) -> None:
    world = grown

    def no(request: ReceivedRequest) -> Fault | None:
        named = {event["traits"]["email"] for event in request.events}
        return Answer(400, body=b'{"message":"no"}') if named & {"u0001@x.io", "u0005@x.io"} else None

    world.receiver.script = no
    assert sync.exit_code(world.resync()) == 8
    world.receiver.script = lambda request: Reset(apply=0)
    assert sync.exit_code(world.sync()) == 6
    assert open_resyncs(world) == 1

    world.receiver.script = None
    before = world.receiver.event_count
    world.sync()
    assert sorted(told(world, before)) == [
        ("u0001@x.io", "churn_risk", True),
        ("u0001@x.io", "vip_buyers", True),
        ("u0005@x.io", "vip_buyers", False),
    ]
    world.sync()
    assert open_resyncs(world) == 0


def test_two_users_with_one_contact_are_told_again_as_one(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "A@x.io")])
    world.sync()  # covered
    before = world.receiver.event_count

    # One of the two leaves just now, and a third one comes.
    world.warehouse.replace([(VIP, "u2", "A@x.io"), (VIP, "u3", " a@x.io")])
    report = world.resync().report

    assert told(world, before) == [("a@x.io", "vip_buyers", True)]
    assert (report.audiences[0].added, report.audiences[0].removed) == (0, 0)
    assert world.query("SELECT user_id, told_run_id FROM synced_member ORDER BY 1") == [("u2", 3), ("u3", 3)]
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def test_the_false_of_a_moved_user_comes_before_the_true(world: World) -> None:
    """u1 moved from z@ to a@ long ago: retracting z@ names u1, so a@ is told after it, in whatever order they sort."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([(VIP, "u1", "z@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    before = world.receiver.event_count

    world.resync()

    again = told(world, before)
    assert sorted(again) == [
        ("a@x.io", "vip_buyers", True),
        ("b@x.io", "vip_buyers", True),
        ("z@x.io", "vip_buyers", False),
    ]
    assert again.index(("z@x.io", "vip_buyers", False)) < again.index(("a@x.io", "vip_buyers", True))
    assert world.receiver.belief_by_user["u1"] == {"vip_buyers": True}


def test_a_resync_of_one_destination_leaves_the_other_alone(world: World) -> None:
    with SegmentReceiver("test-write-key") as second:
        world.destination_extra += (
            '\n[[destinations]]\nname = "second"\ntype = "segment"\nwrite_key = "test-write-key"\n'
            f'endpoint = "{second.url}"\nmax_events_per_second = 0\n'
        )
        world.warehouse.replace(members(3))
        world.sync()

        world.resync(destination_names=["second"])

        assert (world.receiver.event_count, second.event_count) == (3, 6)
        world.sync()
        assert (world.receiver.event_count, second.event_count) == (3, 6)
        world.resync(audiences=[VIP])
        assert (world.receiver.event_count, second.event_count) == (6, 9)
        assert second.violations == []


def test_what_is_paused_is_told_again_when_it_is_resumed(grown: World) -> None:
    world = grown
    with world.state() as state:
        control.pause(state, [VIP], [], [])
    before = world.receiver.event_count
    world.resync()
    assert set(told(world, before)) == CHURN_TRUE

    with world.state() as state:
        assert control.resume(state, [VIP], []) == 1
    before = world.receiver.event_count
    world.sync()
    assert set(told(world, before)) == ALL_TRUE | ALL_FALSE
    world.sync()
    assert open_resyncs(world) == 0


def test_a_contact_that_was_retracted_and_is_refused_does_not_keep_a_resync_open(grown: World) -> None:
    world = grown
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"no"}') if "u0005@x.io" in str(request.events) else None
    )
    world.resync()
    world.sync()  # tries once more
    world.sync()
    assert open_resyncs(world) == 0
    world.receiver.script = None
    with world.state() as state:
        control.release(state, [])
    before = world.receiver.event_count
    world.sync()
    assert told(world, before) == [("u0005@x.io", "vip_buyers", False)]
    assert world.sync().report.destinations[0].planned == 0
