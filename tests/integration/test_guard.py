"""What the guard holds and what it lets go, end to end, until a human approves."""

import json
import time
from collections.abc import Callable

import psycopg
import pytest

from syncer import control, errors, sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, members, truth

LOW = "[guard]\nmin_removed = 2\nmin_added = 2\n"
"""Small audiences are guarded too: above a quarter of them, from two contacts on."""


def held(world: World) -> set[tuple[str, str, str]]:
    """(contact, property, op) of what stands as held, approved or not."""
    return set(world.query("SELECT contact, property, op FROM held_changes"))


def removals(rows: list[Row]) -> set[tuple[str, str, str]]:
    return {(contact, name, "removed") for contact, name in truth(rows)}


def approve(world: World, run_id: int | None, *audiences: str, destinations: tuple[str, ...] = ()) -> int:
    with world.state() as state:
        return control.approve(state, run_id or 0, audiences, destinations)


def assert_held(world: World, result: sync.Result) -> None:
    assert (result.report.status, sync.exit_code(result)) == (Status.HELD, 5)
    assert {each.status for each in result.report.destinations} == {Status.HELD}


def in_doubt(world: World) -> set[str]:
    return {contact for (contact,) in world.query("SELECT contact FROM uncertain")}


# --- the limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        pytest.param(3, 0, 0, id="3 of 3 members go"),
        pytest.param(300, 0, 300, id="300 of 300 are held"),
        pytest.param(400, 300, 0, id="a quarter exactly goes"),
        pytest.param(400, 299, 101, id="one more is held"),
        pytest.param(150, 51, 0, id="99 of 150 are too few to be held"),
    ],
)
def test_removals_of_an_audience_that_is_configured(world: World, before: int, after: int, waits: int) -> None:
    world.extra = f'[[audiences]]\nname = "{VIP}"'
    stay: list[Row] = [(CHURN, "c", "c@x.io")]
    world.warehouse.replace(members(before) + stay)
    world.sync()
    world.warehouse.replace(members(after) + stay)

    result = world.sync()

    _, vip = sorted(result.report.audiences, key=lambda audience: audience.name)
    assert (vip.removed, vip.held) == ((0, waits) if waits else (before - after, 0))
    if waits:
        assert_held(world, result)
        assert world.believed() == truth(members(before) + stay)
        assert held(world) == removals(members(before - after, first=after))
        assert world.query("SELECT DISTINCT status, value, run_id FROM sync_changelog WHERE status = 'held'") == [
            ("held", False, 2)
        ]
    else:
        assert (result.report.status, sync.exit_code(result)) == (Status.SUCCEEDED, 0)
        assert world.believed() == truth(members(after) + stay)
        assert held(world) == set()
    assert world.verify().differences == 0


@pytest.mark.parametrize(("told", "new", "waits"), [(1000, 1000, 0), (999, 1000, 1000), (3, 999, 0)])
def test_additions_past_the_initial_sync(world: World, told: int, new: int, waits: int) -> None:
    world.warehouse.replace(members(told))
    assert world.sync().report.status == "succeeded"
    world.warehouse.replace(members(told + new))

    result = world.sync()

    assert (result.report.audiences[0].held, result.report.audiences[0].added) == (waits, new - waits)
    assert world.believed() == truth(members(told if waits else told + new))
    assert held(world) == {(contact, name, "added") for contact, name in truth(members(waits, first=told))}
    assert (sync.exit_code(result) == 5) == bool(waits)


@pytest.mark.parametrize("hold_initial", [True, False])
def test_a_first_sync_waits_for_approval_only_if_that_is_asked_for(world: World, hold_initial: bool) -> None:
    world.extra = f"[guard]\nhold_initial = {str(hold_initial).lower()}"
    world.warehouse.replace(members(3))

    first = world.sync()

    assert first.report.audiences[0].initial
    assert (sync.exit_code(first), first.report.audiences[0].held) == ((5, 3) if hold_initial else (0, 0))
    assert world.believed() == (set() if hold_initial else truth(members(3)))
    if hold_initial:
        assert world.receiver.requests == []
        assert approve(world, first.report.run_id) == 3
        released = world.sync()
        assert sync.exit_code(released) == 0
        assert released.report.audiences[0].initial
        assert world.believed() == truth(members(3))
        world.warehouse.replace(members(4))  # past it
        assert world.sync().report.status == "succeeded"
        assert world.believed() == truth(members(4))


def test_an_audience_may_have_fractions_of_its_own(world: World) -> None:
    world.extra = LOW + (
        f'[[audiences]]\nname = "{VIP}"\nmax_removed_fraction = 1.0\nmax_added_fraction = 10.0\n'
        f'[[audiences]]\nname = "{CHURN}"\nmax_removed_fraction = 0.1\n'
    )
    world.warehouse.replace(members(10) + members(10, CHURN))
    world.sync()
    rows = members(1) + members(8, CHURN)
    world.warehouse.replace(rows)

    result = world.sync()

    assert {audience.name: (audience.removed, audience.held) for audience in result.report.audiences} == {
        VIP: (9, 0),
        CHURN: (0, 2),
    }
    assert world.believed() == truth(members(1) + members(10, CHURN))
    world.warehouse.replace(members(11) + members(10, CHURN))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(11) + members(10, CHURN))


def test_contacts_are_counted_and_not_rows(world: World) -> None:
    """Two users each: of four contacts one leaves with both rows, which is a quarter and goes."""
    world.extra = "[guard]\nmin_removed = 1"
    rows: list[Row] = [(VIP, f"u{number}", f"c{number // 2}@x.io") for number in range(8)]
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace(rows[2:])

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(rows[2:])
    world.warehouse.replace(rows[3:])  # a row that moves without the contact changes nothing
    assert sync.exit_code(world.sync()) == 0
    world.warehouse.replace(rows[4:])  # one of three
    assert sync.exit_code(world.sync()) == 5


# --- vanished, empty, off the list -------------------------------------------------------------------------------


@pytest.mark.parametrize("scoped", [True, False])
def test_an_empty_snapshot_is_held_whatever_the_limits_say(world: World, scoped: bool) -> None:
    world.extra = f'[guard]\nmax_removed_fraction = 1.0\n[[audiences]]\nname = "{VIP}"'
    rows = members(2) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace([])

    result = world.sync(audiences=[VIP]) if scoped else world.sync()

    assert_held(world, result)
    assert held(world) == removals(members(2) if scoped else rows)
    assert {reason for (reason,) in world.query("SELECT reason FROM held_changes")} == {"the whole snapshot is empty"}
    assert world.believed() == truth(rows)
    assert world.verify().differences == 0


def test_an_empty_snapshot_beside_an_empty_state_is_nothing(world: World) -> None:
    assert sync.exit_code(world.sync()) == 0
    assert world.receiver.requests == []


def test_a_vanished_audience_is_held_however_few_it_has_and_comes_back(world: World) -> None:
    rows: list[Row] = [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")]
    stay: list[Row] = [(CHURN, "u1", "a@x.io")]
    world.warehouse.replace(rows + stay)
    world.sync()
    world.warehouse.replace(stay)

    result = world.sync()

    assert_held(world, result)
    assert held(world) == removals(rows)
    assert world.believed() == truth(rows + stay)
    assert world.verify().differences == 0
    world.warehouse.replace(rows[:1] + stay)
    assert sync.exit_code(world.sync()) == 0  # one of two is too few to be held, and no longer vanished
    assert held(world) == set()
    assert world.believed() == truth(rows[:1] + stay)


@pytest.mark.parametrize("named", [VIP, "vip_buyers"])
def test_an_audience_off_the_list_of_a_destination_is_held_there(world: World, named: str) -> None:
    rows = members(2) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.destination_extra += f'\naudiences = ["{named}", "{CHURN}"]'
    world.sync()
    world.destination_extra = f'max_events_per_second = 0\naudiences = ["{CHURN}"]'

    result = world.sync()

    assert_held(world, result)
    assert held(world) == removals(members(2))
    assert world.believed() == truth(rows)
    approve(world, result.report.run_id)
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1, CHURN))
    assert world.verify().differences == 0


def test_an_audience_that_comes_onto_the_list_later_begins_with_an_initial_sync(world: World) -> None:
    """Neither guarded as growth nor counted as synced while the destination was not about it."""
    world.extra = LOW
    rows = members(8) + members(1, CHURN)
    world.warehouse.replace(rows)
    world.destination_extra += f'\naudiences = ["{CHURN}"]'
    world.sync()
    assert world.believed() == truth(members(1, CHURN))

    world.destination_extra = "max_events_per_second = 0"
    result = world.sync()

    assert sync.exit_code(result) == 0
    assert {audience.name: audience.initial for audience in result.report.audiences} == {VIP: True, CHURN: False}
    assert world.believed() == truth(rows)


# --- what goes on beside it --------------------------------------------------------------------------------------


def test_what_is_not_held_goes_on_in_the_same_run(world: World) -> None:
    world.extra = LOW
    world.warehouse.replace(members(4) + members(2, CHURN))
    world.sync()
    # All of one audience leave. Its additions go, and so does the other audience, for the held contacts as well.
    rows = [*members(1, first=9), *members(1, CHURN, first=1), *members(1, CHURN, first=2)]
    world.warehouse.replace(rows)

    result = world.sync()

    assert_held(world, result)
    assert {each.name: (each.added, each.removed, each.held) for each in result.report.audiences} == {
        VIP: (1, 0, 4),
        CHURN: (1, 1, 0),
    }
    assert world.believed() == truth(rows) | truth(members(4))
    assert world.receiver.belief["u0000@x.io"]["churn_risk"] is False
    assert result.report.destinations[0].planned == 3


def test_a_user_who_moves_enters_while_the_old_contact_is_held(world: World) -> None:
    world.extra = LOW
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "new-a@x.io"), (VIP, "u2", "new-b@x.io")])
    world.extra = "[guard]\nmin_removed = 2"

    held_run = world.sync()

    assert_held(world, held_run)
    assert world.believed() == truth([(VIP, "", f"{name}@x.io") for name in ("a", "b", "new-a", "new-b")])
    approve(world, held_run.report.run_id)
    count = world.receiver.event_count
    assert sync.exit_code(world.sync()) == 0
    told = [
        (each.event["traits"]["email"], each.event["traits"]["vip_buyers"]) for each in world.receiver.events[count:]
    ]
    assert sorted(told[:2]) == [("a@x.io", False), ("b@x.io", False)]
    assert sorted(told[2:]) == [("new-a@x.io", True), ("new-b@x.io", True)]  # Segment keys by user id too
    assert world.receiver.belief_by_user == {"u1": {"vip_buyers": True}, "u2": {"vip_buyers": True}}


# --- standing state ----------------------------------------------------------------------------------------------


def test_holds_are_extended_and_not_rewritten(world: World) -> None:
    world.extra = LOW
    world.warehouse.replace(members(9))
    world.sync()
    world.warehouse.replace(members(5))
    first = world.sync()
    before = world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1")
    assert len(before) == 4

    again = world.sync()
    assert_held(world, again)
    assert again.report.audiences[0].held == 4
    assert world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1") == before

    world.warehouse.replace(members(3))
    world.sync()
    after = world.query("SELECT contact, since, since_run_id, xmin::text FROM held_change ORDER BY 1")
    assert [row for row in after if row in before] == before
    assert [(row[0], row[2]) for row in after if row not in before] == [("u0003@x.io", 4), ("u0004@x.io", 4)]
    assert world.query("SELECT DISTINCT last_run_id FROM held_changes") == [(4,)]

    world.warehouse.replace(members(8))  # all but one came back, one is too few to be held
    last = world.sync()
    assert sync.exit_code(last) == 0
    assert held(world) == set()
    assert world.believed() == truth(members(8))
    assert first.report.destinations[0].planned == 0


def test_a_quiet_run_is_held_while_something_waits_from_an_earlier_one(world: World) -> None:
    world.extra = LOW
    world.warehouse.replace(members(4) + members(1, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(1, CHURN))
    held_run = world.sync()

    assert_held(world, world.sync(audiences=[CHURN]))
    assert_held(world, world.sync())
    approve(world, held_run.report.run_id)
    # What was approved waits for the next run, not for a human.
    assert sync.exit_code(world.sync(audiences=[CHURN])) == 0
    assert world.believed() == truth(members(4) + members(1, CHURN))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(1, CHURN))
    assert held(world) == set()


def test_uncertain_contacts_count_and_stay_uncertain_while_they_are_held(world: World) -> None:
    world.extra = LOW
    stay = members(1, CHURN)
    world.warehouse.replace(stay)
    world.sync()
    world.warehouse.replace(members(4) + stay)
    world.receiver.script = lambda request: Reset(apply=EVERYTHING)
    world.sync()
    world.extra = f'{LOW}\n[[audiences]]\nname = "{VIP}"'
    assert world.believed() == truth(members(4) + stay)

    world.receiver.script = None
    world.warehouse.replace(stay)  # nobody has a row in the state, yet everybody believes
    result = world.sync()

    assert_held(world, result)
    assert held(world) == removals(members(4))
    assert in_doubt(world) == {contact for contact, _ in truth(members(4))}
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed) == (0, {"held": 4})
    approve(world, result.report.run_id)
    assert sync.exit_code(world.sync()) == 0
    assert (world.believed(), in_doubt(world)) == (truth(stay), set())


# --- approval ----------------------------------------------------------------------------------------------------


def emptied(world: World, left: int = 2, before: int = 12) -> int:
    """An audience of twelve of which ten leave and are held; returns that run."""
    world.extra = LOW
    world.warehouse.replace(members(before))
    world.sync()
    world.warehouse.replace(members(left))
    run_id = world.sync().report.run_id
    assert run_id is not None
    return run_id


def test_approval_lets_exactly_those_pass_and_judges_all_others_afresh(world: World) -> None:
    run_id = emptied(world, left=8)  # u8 to u11
    # Meanwhile u10 and u11 came back, and u4 to u7 left.
    rows = members(4) + members(2, first=10)
    world.warehouse.replace(rows)
    assert approve(world, run_id) == 4

    result = world.sync()

    assert_held(world, result)
    assert held(world) == removals(members(4, first=4))
    assert world.believed() == truth(members(8) + members(2, first=10))
    assert "u0010@x.io" not in {
        each.event["traits"]["email"] for each in world.receiver.events if each.event["traits"]["vip_buyers"] is False
    }
    assert (result.report.audiences[0].removed, result.report.audiences[0].held) == (2, 4)
    assert approve(world, run_id) == 0  # what came later is not what that run held
    assert approve(world, result.report.run_id) == 4
    world.warehouse.replace(members(6) + members(2, first=10))  # u4 and u5 came back: approved no more
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(6) + members(2, first=10))
    assert held(world) == set()
    world.warehouse.replace(rows)
    world.sync()
    assert world.query("SELECT count(*) FROM held_change WHERE approved_at IS NOT NULL") == [(0,)]


def test_approval_is_neither_counted_nor_held_again(world: World) -> None:
    """Of twelve, eight are approved; of the other four one leaves: a quarter of those, which is too few anyway."""
    run_id = emptied(world, left=4)
    world.extra = "[guard]\nmin_removed = 1"
    approve(world, run_id)
    world.warehouse.replace(members(3))

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(3))


def test_approval_by_audience_and_by_destination(world: World) -> None:
    world.extra = LOW
    world.warehouse.replace(members(4) + members(4, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(1, CHURN))
    run_id = world.sync().report.run_id

    with pytest.raises(errors.ConfigError):
        approve(world, run_id, destinations=("elsewhere",))
    with pytest.raises(errors.ConfigError):
        approve(world, run_id, "VIP Byers")
    assert approve(world, run_id, "churn_risk", destinations=("segment",)) == 3
    assert approve(world, run_id, CHURN) == 0
    with world.state() as state:
        assert [(row.audience, row.contacts) for row in control.waiting(state, run_id or 0)] == [(VIP, 3)]

    assert_held(world, world.sync())
    assert world.believed() == truth(members(4) + members(1, CHURN))
    # An older run approves what it held, as long as that waits.
    assert approve(world, run_id) == 3
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(1, CHURN))
    actions = world.query("SELECT action, run_id, arguments ->> 'changes' FROM operator_actions ORDER BY at")
    assert actions == [("approve", 2, "3"), ("approve", 2, "0"), ("approve", 2, "3")]


def test_a_run_that_is_unknown_or_held_nothing_approves_nothing(world: World) -> None:
    emptied(world)
    with world.state() as state, pytest.raises(errors.ConfigError):
        control.waiting(state, 99)
    assert approve(world, 1) == 0
    assert_held(world, world.sync())

    unknown = world.command("approve", "99")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "99" in unknown.stderr


@pytest.mark.parametrize(
    ("script", "doubtful"),
    [
        pytest.param(lambda request: Answer(401, apply=0), False, id="aborted"),
        pytest.param(lambda request: Reset(apply=EVERYTHING), True, id="unknown, and applied"),
        pytest.param(lambda request: Reset(apply=0), True, id="unknown, and not applied"),
    ],
)
def test_what_was_approved_and_not_accepted_stays_approved(
    world: World, script: Callable[[ReceivedRequest], Answer | Reset], doubtful: bool
) -> None:
    approve(world, emptied(world))
    world.receiver.script = script
    world.sync()
    assert world.query("SELECT DISTINCT approved_at IS NOT NULL, count(*) OVER () FROM held_changes") == [(True, 10)]
    assert bool(in_doubt(world)) == doubtful

    world.receiver.script = None
    result = world.sync()

    assert sync.exit_code(result) == 0
    assert (held(world), in_doubt(world)) == (set(), set())
    assert world.believed() == truth(members(2))


def test_what_was_approved_and_refused_stays_approved_for_that_contact(world: World) -> None:
    approve(world, emptied(world))

    def refuse(request: ReceivedRequest) -> Answer | None:
        named = {event["traits"]["email"] for event in request.events}
        return Answer(400, body=b'{"message":"no"}') if "u0005@x.io" in named else None

    world.receiver.script = refuse
    refused = world.sync()
    assert sync.exit_code(refused) == 8
    assert held(world) == {("u0005@x.io", "vip_buyers", "removed")}
    assert world.believed() == truth(members(2) + members(1, first=5))
    world.sync()
    world.sync()  # waits for its next try
    assert held(world) == {("u0005@x.io", "vip_buyers", "removed")}

    world.receiver.script = None
    world.sync()

    assert world.believed() == truth(members(2))
    assert held(world) == set()


# --- ready -------------------------------------------------------------------------------------------------------

READY = [
    pytest.param("SELECT true", True, id="true"),
    pytest.param("SELECT 1", True, id="1"),
    pytest.param("SELECT false", False, id="false"),
    pytest.param("SELECT 0", False, id="0"),
    pytest.param("SELECT 2", False, id="2"),
    pytest.param("SELECT NULL::boolean", False, id="null"),
    pytest.param("SELECT 'true'", False, id="text"),
    pytest.param("SELECT true WHERE false", False, id="no row"),
    pytest.param("SELECT true UNION ALL SELECT false", False, id="two rows"),
    pytest.param("SELECT true, true", False, id="two columns"),
    pytest.param("SELECT 1 / 0 = 1", False, id="an error"),
    pytest.param("SELECT ready FROM nowhere", False, id="no table"),
    pytest.param("SELEC", False, id="no SQL"),
    pytest.param("SELECT true; DELETE FROM members", False, id="two statements"),
]


@pytest.mark.parametrize(("question", "ready"), READY)
def test_a_warehouse_that_does_not_say_that_it_is_ready_holds_the_whole_run(
    world: World, question: str, ready: bool
) -> None:
    _ask(world, question, ready=ready)


@pytest.mark.parametrize(("question", "ready"), READY[2:3] + READY[7:11])
def test_it_is_asked_in_the_one_database_too(world_in_one_database: World, question: str, ready: bool) -> None:
    _ask(world_in_one_database, question, ready=ready)


def _ask(world: World, question: str, *, ready: bool) -> None:
    world.warehouse.replace(members(2))
    world.extra = f'[guard]\nready = "{question}"'

    result = world.sync()

    if ready:
        assert sync.exit_code(result) == 0
        assert world.believed() == truth(members(2))
        return
    assert_held(world, result)
    assert "held" in (result.report.error or "")
    assert world.receiver.requests == []
    assert world.query("SELECT count(*) FROM sync_change") == [(0,)]
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    assert result.report.destinations[0].planned == 0
    assert list(world.query("SELECT status FROM sync_runs")) == [("held",)]
    assert_held(world, world.sync())

    world.extra = '[guard]\nready = "SELECT count(*) = 2 FROM members"'  # and the next run asks again
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(2))
    assert world.verify().differences == 0


# --- output and size ---------------------------------------------------------------------------------------------


def test_the_command_exits_with_5_and_its_json_counts_what_is_held(world: World) -> None:
    emptied(world)

    ended = world.command("sync", "--json")

    assert ended.returncode == 5
    report = json.loads(ended.stdout)
    assert report["status"] == "held"
    (audience,) = report["audiences"]
    assert (audience["added"], audience["removed"], audience["held"]) == (0, 0, 10)
    assert "approve 3" in ended.stderr


def test_two_hundred_thousand_held_changes_cost_two_statements(world_in_one_database: World) -> None:
    """300,000 members, of whom 200,000 leave: held by sets, and not written again by the next run."""
    world = world_in_one_database
    world.extra = f'[[audiences]]\nname = "{VIP}"'
    world.warehouse.replace([(VIP, "u1", "c1@x.io")])
    world.sync()
    with psycopg.connect(world.state_url, autocommit=True, options="-c search_path=syncer,public") as connection:
        connection.execute(
            "INSERT INTO synced_member (destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact,"
            " user_id) SELECT destination_id, audience_id, 1, 1, now(), 'c' || n || '@x.io', 'u' || n"
            " FROM synced_member, generate_series(2, 300000) AS n"
        )
        connection.execute(
            "INSERT INTO members SELECT %s, 'u' || n, 'c' || n || '@x.io' FROM generate_series(2, 100000) AS n", [VIP]
        )
        connection.execute("ANALYZE")
    began = time.monotonic()

    assert_held(world, world.sync())

    assert time.monotonic() - began < 60
    written = "SELECT count(*), count(DISTINCT xmin::text), max(xmin::text), max(since_run_id) FROM held_change"
    before = world.query(written)
    assert before[0][:2] == (200_000, 1)
    assert_held(world, world.sync())
    assert world.query(written) == before
    assert approve(world, 2) == 200_000
    assert world.preview().destinations[0].planned == 200_000
    assert len(world.receiver.requests) == 1


def test_a_run_beside_a_held_audience_a_parked_contact_and_a_skipped_member_writes_only_its_own_rows(
    world_in_one_database: World,
) -> None:
    world = world_in_one_database
    world.extra = LOW
    world.warehouse.replace([*members(9), *members(9, CHURN)])
    world.sync()
    parked = "u0009@x.io"
    world.receiver.script = lambda request: (
        Answer(400, body=b'{"message":"not this one"}')
        if parked in {event["traits"]["email"] for event in request.events}
        else None
    )
    world.warehouse.replace([*members(10), *members(9, CHURN)])
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE refused_contact SET next_try_run_id = NULL")
    world.warehouse.replace([*members(10), *members(3, CHURN), (VIP, "u9999", None)])
    assert_held(world, world.sync())
    before, requests = written_rows(world), len(world.receiver.requests)
    assert [len(before[table]) for table in ("held_change", "refused_contact", "skipped_member")] == [6, 1, 1]

    assert_held(world, world.sync())

    assert written_rows(world) == before
    assert len(world.receiver.requests) == requests


def written_rows(world: World) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table but those of runs themselves, with the transaction that wrote it."""
    own = ("run", "run_audience", "run_destination", "run_count", "leader")
    tables = world.query(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'syncer' AND tablename <> ALL (%s)", [list(own)]
    )
    return {table: world.query(f"SELECT xmin::text, t::text FROM {table} AS t ORDER BY 2") for (table,) in tables}
