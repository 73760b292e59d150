"""A first sync that is planned in slices, while what is planned already is told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from syncer import errors
from syncer.models import Status
from syncer.planning import continuing, parts, slices
from syncer.receivers.loopback import Answer
from syncer.state import State, status
from syncer.state.migrations import migrate
from syncer.stopping import Stop
from syncer.sync import exit_code
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, VIP, World, members, truth

SLICED = 5
"""Rows of a slice: of forty, there are eight."""

ROWS = members(20, VIP, CHURN)

AFTERWARDS = [*members(9, VIP, CHURN), *members(5, VIP, first=12), *members(2, VIP, first=30)]
"""What the warehouse says once it has changed: some of every slice have left, and others came."""


def counted(world: World) -> dict[str, int]:
    """What the last run says of itself, over all audiences."""
    ((waits, planned, succeeded, deferred, to_add),) = world.query(
        "SELECT run.deferred, sum(run_count.planned_add), sum(run_count.succeeded_add), sum(run_count.deferred),"
        " sum(run_count.deferred_add) FROM run JOIN run_count USING (run_id)"
        " WHERE run_id = (SELECT max(run_id) FROM run) GROUP BY run.deferred"
    )
    assert deferred == to_add
    return {"waits": int(waits), "planned": int(planned), "succeeded": int(succeeded), "deferred": int(deferred)}


def pages(world: World) -> int:
    return len(world.query("SELECT FROM sync_page WHERE run_id = (SELECT max(run_id) FROM run)"))


def left_over(world: World) -> list[str]:
    """Tables of slices in any session."""
    return [name for (name,) in world.query("SELECT relname FROM pg_class WHERE relname LIKE '%later_%'")]


@pytest.fixture
def sliced(world: World) -> World:
    world.slice_rows = SLICED
    world.warehouse.replace(ROWS)
    return world


def test_a_first_sync_in_slices_tells_the_same_as_one_at_once(sliced: World) -> None:
    rows = [*ROWS, (VIP, "u0000", None), (VIP, "shares", "u0001@x.io"), (VIP, "u0002", "other@x.io")]
    sliced.warehouse.replace(rows)

    result = sliced.sync()

    assert (result.report.status, exit_code(result)) == (Status.SUCCEEDED, 0)
    assert sliced.believed() == truth(row for row in rows if row[2])
    assert counted(sliced) == {"waits": 0, "planned": 41, "succeeded": 41, "deferred": 0}
    (destination,) = result.report.destinations
    assert (destination.planned, destination.succeeded, destination.skipped) == (21, 21, {"no_email": 1})
    assert pages(sliced) >= 7
    assert len(sliced.query("SELECT FROM initial_sync")) == 2
    assert sliced.query("SELECT contacts FROM contact_count") == [(21,)]
    assert sliced.verify().differences == 0
    assert left_over(sliced) == []
    sent = len(sliced.receiver.events)
    sliced.sync()
    assert len(sliced.receiver.events) == sent


def left_in_state(world: World) -> dict[str, list[tuple[object, ...]]]:
    """What a first sync left, but for where its pages begin and end, and for the moment."""
    return {
        "history": world.query(
            "SELECT dense_rank() OVER (ORDER BY contact), audience.name, op, effect, part, lead, contact, user_id,"
            " told_as, email, value, traits, event FROM sync_change JOIN audience USING (audience_id)"
            " ORDER BY contact, part, audience.name, user_id"
        ),
        "in order": world.query("SELECT contact FROM sync_change ORDER BY page, contact, audience_id, user_id"),
        "calls": world.query("SELECT urgency, sum(identifies) FROM sync_page GROUP BY urgency"),
        "counts": world.query(
            "SELECT audience.name, members, planned_add, succeeded_add, deferred, deferred_add, initial, reads"
            " FROM run_count JOIN audience USING (audience_id) ORDER BY audience.name"
        ),
        "runs": world.query("SELECT memberships, contacts, calls_saved, deferred FROM run"),
        "destinations": world.query("SELECT planned, succeeded, skipped, mirrors FROM run_destination"),
        "members": world.query(
            "SELECT audience.name, contact, user_id, email, value FROM synced_member JOIN audience USING (audience_id)"
            " ORDER BY contact, audience.name, user_id"
        ),
        "events": world.query("SELECT contact, user_id FROM owed_event ORDER BY contact, user_id"),
    }


def test_slices_leave_what_one_plan_leaves(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of contacts with several users, of repeated rows, of values, and of calls in several parts."""
    monkeypatch.setattr(parts, "PROPERTIES", 2)
    shared = [(audience, user, "u0003@x.io") for audience in (VIP, CHURN) for user in ("a", "zz")]
    odd = [(VIP, "u0004", " U0004@x.io "), (VIP, "u0005", "twin@x.io"), (CHURN, "u0006", None), *ROWS[:3]]
    crowd = [(f"Audience {number}", user, f"{user}@x.io") for number in range(6) for user in ("u0007", "u0019", "new")]
    sliced.warehouse.replace([*ROWS, *shared, *odd, *crowd])
    sliced.warehouse.run("CREATE TABLE ltv AS SELECT 'u0001' AS user_id, 'u0001@x.io' AS email, 7 AS value")
    sliced.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"\n'
    sliced.destination_extra += "\ntrack = { initial = true }"

    sliced.sync()

    assert pages(sliced) > len(sliced.query("SELECT DISTINCT urgency FROM sync_page"))
    assert sliced.query("SELECT FROM sync_change WHERE part = 3")
    left = left_in_state(sliced)
    with sliced.state() as state:
        state.execute("DROP SCHEMA syncer CASCADE")
    migrate(State(sliced.state_url, "syncer"))
    sliced.slice_rows = slices.ROWS
    sliced.sync()
    assert left_in_state(sliced) == left


def test_the_first_call_leaves_before_the_last_slice_is_planned(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is not planned yet is deferred, for whoever looks."""
    heard: list[dict[str, int]] = []
    totals: list[int] = []
    take = slices.take

    def take_later(connection: object, number: int) -> None:
        assert sliced.receiver.wait_for(lambda: len(sliced.receiver.events) > 0)
        heard.append(counted(sliced))
        with sliced.state() as state:
            running = status.now(state).running
        totals.append(running.planned if running else 0)
        take(connection, number)  # type: ignore[arg-type]

    monkeypatch.setattr(slices, "take", take_later)

    assert sliced.sync().report.status == Status.SUCCEEDED

    assert len(heard) == 7
    assert totals == [20] * 7
    assert all(each["planned"] + each["deferred"] == 40 for each in heard)
    assert all(each["waits"] > 0 for each in heard)
    assert [each["deferred"] for each in heard] == sorted((each["deferred"] for each in heard), reverse=True)


def not_divided(world: World, run_id: int = 2) -> bool:
    """Whether a run tells everything with one page for each class of urgency."""
    world.sync()
    return pages(world) == len(world.query(f"SELECT DISTINCT urgency FROM sync_page WHERE run_id = {run_id}"))


def test_what_may_have_to_wait_is_not_divided(sliced: World) -> None:
    sliced.extra = "[guard]\nhold_initial = true\n"
    assert sliced.sync().report.status == Status.HELD
    assert pages(sliced) == 0
    sliced.approve(1)
    assert not_divided(sliced)


def test_what_is_no_first_sync_is_not_divided(sliced: World) -> None:
    sliced.warehouse.replace(members(1))
    sliced.sync()
    sliced.warehouse.replace(ROWS)
    assert not_divided(sliced)


def test_calls_about_one_audience_each_are_not_divided(sliced: World) -> None:
    sliced.destination_extra = 'calls = "per_audience"'
    assert not_divided(sliced, run_id=1)
    assert sliced.believed() == truth(ROWS)


def test_there_are_no_more_slices_than_a_server_has_room_for(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST", 3)
    assert sliced.sync().report.status == Status.SUCCEEDED
    assert pages(sliced) == 3
    assert sliced.believed() == truth(ROWS)


def test_what_waits_is_no_more_than_the_destination_is_told(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not everybody whom the snapshot knows."""
    sliced.destination_extra = f'audiences = ["{VIP}"]'
    heard: list[dict[str, int]] = []
    take = slices.take

    def take_later(connection: object, number: int) -> None:
        heard.append(counted(sliced))
        take(connection, number)  # type: ignore[arg-type]

    monkeypatch.setattr(slices, "take", take_later)
    sliced.warehouse.replace([*members(12, VIP), *members(40, CHURN, first=100)])

    assert sliced.sync().report.status == Status.SUCCEEDED

    assert heard
    assert all(0 < each["waits"] <= each["deferred"] for each in heard)
    assert sliced.believed() == truth(members(12, VIP))


def test_a_preview_is_not_divided(sliced: World) -> None:
    (destination,) = sliced.preview().destinations
    assert destination.planned == 20
    assert left_over(sliced) == []


def test_a_destination_that_stops_is_told_nothing_more_and_all_was_planned(sliced: World) -> None:
    sliced.receiver.script = lambda _: Answer(401)

    result = sliced.sync()

    (destination,) = result.report.destinations
    assert (result.report.status, exit_code(result)) == (Status.FAILED, 7)
    assert (destination.planned, destination.aborted) == (20, 20)
    sliced.receiver.script = None
    assert sliced.sync().report.status == Status.SUCCEEDED
    assert sliced.believed() == truth(ROWS)


@pytest.mark.parametrize("point", ["before divide_later", "after write_slice", "after extend_run"])
def test_a_signal_breaks_off_the_planning_of_a_slice(
    sliced: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, stop, go_on = Points(monkeypatch), Stop(), continuing.Continuation.write

    def write(continuation: continuing.Continuation) -> None:
        points.watch(point, stop.ask)
        go_on(continuation)

    monkeypatch.setattr(continuing.Continuation, "write", write)

    result = sliced.sync(stop)
    points.rest()

    assert (result.report.status, exit_code(result)) == (Status.INTERRUPTED, 130)
    assert 0 < counted(sliced)["planned"] < 40
    assert left_over(sliced) == []
    assert sliced.sync().report.status == Status.SUCCEEDED
    assert sliced.believed() == truth(ROWS)
    assert sliced.verify().differences == 0


def test_what_others_ask_for_between_two_slices_is_right(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who must be alone is refused, who looks sees the whole, and what is ordered holds from the next run on."""
    codes: dict[str, int] = {}
    seen: dict[str, int] = {}
    take = slices.take

    def take_later(connection: object, number: int) -> None:
        if number == 3:
            for asked in ("sync", "forget u0001 --yes", "retire churn_risk --yes"):
                codes[asked.split()[0]] = sliced.command(*asked.split()).returncode
            run = sliced.json("history", "1")
            seen["history"] = run["deferred"] + run["destinations"][0]["planned"]
            seen["status"] = sliced.json("status")["running"]["planned"]
            seen["plan"] = sliced.json("plan")["destinations"][0]["planned"]
        take(connection, number)  # type: ignore[arg-type]

    monkeypatch.setattr(slices, "take", take_later)

    assert sliced.sync().report.status == Status.SUCCEEDED

    assert codes == {"sync": 4, "forget": 4, "retire": 0}
    assert (seen["history"], seen["status"]) == (20, 20)
    assert 12 <= seen["plan"] <= 20  # all but what was accepted already
    assert sliced.believed() == truth(ROWS)
    sliced.sync()
    assert sliced.believed() == truth(members(20, VIP))
    assert sliced.verify().differences == 0


def test_a_slice_is_added_only_by_who_leads(sliced: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever took over may be about to close the run: a page that comes meanwhile would be nobody's."""
    points, take = Points(monkeypatch), slices.take

    def take_the_lead() -> None:
        with sliced.state() as connection:
            connection.execute("UPDATE leader SET token = gen_random_uuid()")

    def take_later(connection: object, number: int) -> None:
        points.watch("before extend_run", take_the_lead)
        take(connection, number)  # type: ignore[arg-type]

    monkeypatch.setattr(slices, "take", take_later)

    result = sliced.sync()
    points.rest()

    assert any(isinstance(failure, errors.NotOursError) for failure in result.failures)
    assert pages(sliced) == 1
    assert counted(sliced)["deferred"] > 0


def kill(world: World, points: Points, stop: Stop) -> None:
    points.kill()


def ask_to_stop(world: World, points: Points, stop: Stop) -> None:
    stop.asked.set()


def end_all_sessions(world: World, points: Points, stop: Stop) -> None:
    end_sessions(world.state_url)


def pause(world: World, points: Points, stop: Stop) -> None:
    world.pause()


def take_over(world: World, points: Points, stop: Stop) -> None:
    """This process stood still for so long that another one leads, and tells everything."""
    with world.state() as connection:
        connection.execute("UPDATE leader SET renewed_at = now() - interval '1 hour'")
    world.sync()


Event = Callable[[World, Points, Stop], None]

EVENTS: list[Event] = [kill, ask_to_stop, end_all_sessions, pause, take_over]

FIRST = ("before keep_plan_audience", "after put_aside", "before pin_audiences", "after add_headcount")
"""Points around the first slice, and of those around a later one."""
LATER = (
    "after recall_plan_audience",
    "before extend_run",
    "after extend_run",
    "before claim_pages",
    "after settle_pages",
)

WHERE = [
    *((0, point) for point in FIRST),
    *((1, point) for point in LATER),
    (7, "before extend_run"),
    (7, "after settle_pages"),
]


@pytest.mark.parametrize(
    ("event", "number", "point"),
    [
        pytest.param(event, *where, id=f"{event.__name__}, {where[0]} {where[1]}")
        for which, event in enumerate(EVENTS)
        for at, where in enumerate(WHERE)
        if event is kill or (at % 2 == which // 3 and (event, where[1]) != (take_over, "after extend_run"))
    ],
)
def test_whatever_happens_around_a_slice_all_is_right_in_the_end(
    sliced: World, event: Event, number: int, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every point has a death, and either a stop and the end of all sessions, or a pause and another process.

    That would wait for this one `after extend_run`, which has a lock on the leader.
    """
    points, stop, take = Points(monkeypatch), Stop(), slices.take
    job = replace(sliced)  # the other process does not meet the event

    def happen() -> None:
        sliced.warehouse.replace(AFTERWARDS)
        event(job, points, stop)

    def take_later(connection: object, given: int) -> None:
        if given == number and not points.reached:
            points.watch(point, happen)
        take(connection, given)  # type: ignore[arg-type]

    monkeypatch.setattr(slices, "take", take_later)
    points.watch(point if number == 0 else None, happen)
    try:
        result = sliced.sync(stop)
        assert result.report.status in (Status.SUCCEEDED, Status.INTERRUPTED, Status.FAILED, Status.INCOMPLETE)
        left = counted(sliced)["deferred"] if pages(sliced) else 0
        assert not left or result.report.status in (Status.INTERRUPTED, Status.FAILED)
    except (Killed, errors.StateError):
        assert event in (kill, end_all_sessions, take_over)
    finally:
        points.rest()
    assert points.reached
    end_sessions(sliced.state_url)
    assert sliced.receiver.wait_for(lambda: sliced.receiver.http.in_progress == 0)
    known = set(sliced.query("SELECT contact, property FROM synced_member JOIN audience USING (audience_id)"))
    unsure = sliced.in_doubt() | {
        contact
        for (contact,) in sliced.query(
            "SELECT contact FROM sync_change JOIN sync_page USING (run_id, destination_id, page)"
            " WHERE status = 'sending'"
        )
    }
    assert {each for each in sliced.believed() if each[0] not in unsure} == {
        each for each in known if each[0] not in unsure
    }
    sliced.resume()
    assert sliced.sync().report.status == Status.SUCCEEDED
    assert sliced.believed() == truth(AFTERWARDS)
    assert sliced.in_doubt() == set()
    assert sliced.verify().differences == 0
    assert counted(sliced)["deferred"] == 0
    assert sliced.query("SELECT DISTINCT contacts FROM contact_count") == [(16,)]
