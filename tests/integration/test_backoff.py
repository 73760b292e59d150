"""Refused contacts and contacts without an answer: tried again, ever later, alone, and then parked (rules 18, 19)."""

from collections.abc import Callable, Collection, Iterator

import pytest

from syncer import control, errors, sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, members, truth

BAD = "u0003@x.io"

Script = Callable[[ReceivedRequest], Fault | None]


def whenever_named(contacts: Collection[str], fault: Fault) -> Script:
    def answer(request: ReceivedRequest) -> Fault | None:
        named = {event["traits"]["email"] for event in request.events}
        return fault if named.intersection(contacts) else None

    return answer


def refusing(*contacts: str) -> Script:
    return whenever_named(contacts, Answer(400, body=b'{"message":"not this one"}'))


def leaving(world: World, count: int) -> Iterator[list[Row]]:
    """Syncs some people, and then takes one away with each step: what stays of them. So each run tells somebody."""
    people = members(count, prefix="leaver")
    world.warehouse.replace(people)
    world.sync()
    return (people[gone:] for gone in range(1, count + 1))


def refused(world: World) -> list[tuple[str, int, int | None]]:
    return world.query("SELECT contact, tries, next_try_run_id FROM refused_contacts ORDER BY 1")


def skip_to(world: World, run_id: int) -> None:
    """As if there had been runs before: the next one gets this number."""
    world.query(f"SELECT setval(pg_get_serial_sequence('run', 'run_id'), {run_id - 1})")


@pytest.fixture
def begun(world: World) -> World:
    """Ten members, one of whom was refused in run 1."""
    world.warehouse.replace(members(10))
    world.receiver.script = refusing(BAD)
    assert sync.exit_code(world.sync()) == 8
    assert world.believed() == truth(row for row in members(10) if row[2] != BAD)
    return world


def test_a_refused_contact_is_tried_in_the_next_run_then_after_2_4_8_16_and_then_parked(begun: World) -> None:
    world = begun
    assert refused(world) == [(BAD, 1, 2)]
    for tries, (run_id, following) in enumerate([(2, 4), (4, 8), (8, 16), (16, 32), (32, None)], start=2):
        requests = len(world.receiver.requests)
        if run_id > 2:  # the run before is not about it, and quiet
            skip_to(world, run_id - 1)
            quiet = world.sync()
            assert (quiet.report.status, sync.exit_code(quiet)) == (Status.SUCCEEDED, 0)
            assert quiet.report.destinations[0].planned == 0
            assert len(world.receiver.requests) == requests
            assert world.verify().differences == 0
        result = world.sync()
        assert (result.report.run_id, sync.exit_code(result), result.report.destinations[0].failed) == (run_id, 8, 1)
        assert refused(world) == [(BAD, tries, following)]

    skip_to(world, 1000)
    parked = world.sync()
    assert (parked.report.status, sync.exit_code(parked)) == (Status.SUCCEEDED, 0)
    assert parked.report.destinations[0].planned == 0
    audit = world.verify()
    assert (audit.differences, audit.destinations[0].listed) == (0, {"refused": 1})
    assert world.believed() == truth(row for row in members(10) if row[2] != BAD)

    # Released by hand, and refused again: the backoff begins anew.
    with world.state() as state:
        assert control.release(state, [BAD]) == 1
    assert sync.exit_code(world.sync()) == 8
    assert refused(world) == [(BAD, 1, 1002)]


@pytest.mark.parametrize("who", [[], [BAD], ["u0003"], [" U0003@X.io"]], ids=["all", "contact", "user", "as typed"])
def test_a_released_contact_is_tried_by_the_next_run_and_leaves_the_list(begun: World, who: list[str]) -> None:
    world = begun
    world.sync()
    assert refused(world) == [(BAD, 2, 4)]
    with world.state() as state:
        with pytest.raises(errors.ConfigError):
            control.release(state, ["u0004"])
        assert control.release(state, who) == 1
    world.receiver.script = None

    assert sync.exit_code(world.sync()) == 0

    assert refused(world) == []
    assert world.believed() == truth(members(10))
    assert world.verify().differences == 0


@pytest.mark.parametrize(
    ("changed", "beside"),
    [
        pytest.param([*members(10), (CHURN, "u0003", BAD)], [], id="another audience"),
        pytest.param(
            [(VIP, "a", BAD) if row[2] == BAD else row for row in members(10)],
            [("!!!", "u0001", "u0001@x.io")],
            id="another user id, beside an audience set aside",
        ),
    ],
)
def test_a_contact_whose_data_changes_is_tried_at_once(begun: World, changed: list[Row], beside: list[Row]) -> None:
    world = begun
    world.warehouse.replace(members(10) + beside)
    world.sync()
    assert refused(world) == [(BAD, 2, 4)]

    world.warehouse.replace(changed + beside)
    result = world.sync()

    assert result.report.destinations[0].failed == 1
    assert refused(world) == [(BAD, 1, 4)]  # counted anew
    world.receiver.script = None
    world.sync()
    assert world.believed() == truth(changed)
    assert refused(world) == []


@pytest.mark.parametrize("beside", [[], [("!!!", "u0001", "u0001@x.io")]], ids=["", "beside an audience set aside"])
def test_a_refused_contact_for_whom_nothing_is_to_be_told_leaves_the_list(begun: World, beside: list[Row]) -> None:
    world = begun
    world.sync()
    rows = [row for row in members(10) if row[2] != BAD]
    world.warehouse.replace(rows + beside)

    result = world.sync()

    assert result.report.destinations[0].planned == 0
    assert refused(world) == []
    assert world.believed() == truth(rows)
    if not beside:
        assert world.verify().destinations[0].listed == {}
    world.warehouse.replace(members(10) + beside)
    assert world.sync().report.destinations[0].failed == 1
    assert [tries for _, tries, _ in refused(world)] == [1]


def test_a_run_about_one_audience_leaves_the_backoff_alone(begun: World) -> None:
    world = begun
    world.warehouse.replace([*members(10), (CHURN, "u0009", "u0009@x.io")])
    world.sync()
    before = refused(world)
    requests = len(world.receiver.requests)

    assert sync.exit_code(world.sync(audiences=[CHURN])) == 0

    assert refused(world) == before == [(BAD, 2, 4)]
    assert len(world.receiver.requests) == requests


@pytest.mark.parametrize(("paused", "about"), [([VIP], []), ([], [CHURN])], ids=["one is paused", "about one"])
def test_what_is_new_waits_for_the_next_try_after_a_run_about_some_audiences(
    begun: World, paused: list[str], about: list[str]
) -> None:
    """Such a run cannot know whether something else is to be told. The contact is listed, and so is what waits."""
    world = begun
    world.warehouse.replace([*members(10), (CHURN, "u0009", "u0009@x.io")])
    world.sync()
    if paused:
        with world.state() as state:
            control.pause(state, paused, [], [])
    world.warehouse.replace([*members(10), (CHURN, "u0009", "u0009@x.io"), (CHURN, "u0003", BAD)])
    requests = len(world.receiver.requests)

    assert sync.exit_code(world.sync(audiences=about)) == 0

    assert refused(world) == [(BAD, 2, 4)]
    assert len(world.receiver.requests) == requests
    [told] = world.explain(BAD).destinations
    assert [each["contact"] for each in told["refused"]] == [BAD]
    assert [each["waits"] for each in told["pending"] if each["property"] == "churn_risk"] == [None]
    assert world.verify().differences == 0


def test_the_neighbours_of_a_refused_contact_go_on(begun: World) -> None:
    world = begun
    world.sync()
    rows = members(8) + members(4, first=20) + members(2, CHURN)
    world.warehouse.replace(rows)

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.SUCCEEDED, 0)
    assert world.believed() == truth(row for row in rows if row[2] != BAD)


def test_a_refused_removal_stays_true_and_listed_until_it_is_accepted(world: World) -> None:
    world.warehouse.replace(members(10))
    world.sync()
    rows = [row for row in members(10) if row[2] != BAD]
    world.warehouse.replace(rows)
    world.receiver.script = refusing(BAD)
    world.sync()
    world.sync()
    world.sync()
    assert world.believed() == truth(members(10))
    assert world.verify().differences == 0

    world.receiver.script = None
    world.sync()

    assert world.believed() == truth(rows)
    assert refused(world) == []


def test_a_contact_that_is_unknown_in_two_runs_goes_last_and_in_smaller_pages(world: World) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    leavers = leaving(world, 2)
    rows = members(600, first=1)
    world.receiver.script = whenever_named({BAD}, Reset(apply=0))
    for _ in range(2):
        world.warehouse.replace([*rows, *next(leavers)])
        world.sync()
    ((unanswered,),) = world.query("SELECT count(*) FROM unanswered_contact WHERE runs = 2 AND others = 2")
    assert unanswered >= 497  # of 500, one or two were the last attempt by themselves, and answered
    world.receiver.script = None
    before = len(world.receiver.requests)
    world.warehouse.replace([*rows, *members(1, CHURN, first=700)])

    assert sync.exit_code(world.sync()) == 0

    sizes = [request.events for request in world.receiver.requests[before:] if request.status == 200]
    told = [event.event["traits"]["email"] for event in world.receiver.events[-sum(sizes) :]]
    # Those never tried, or once; the new audience; then the others by fifties.
    assert sizes[1] == 1
    assert told[sizes[0]] == "u0700@x.io"
    assert sizes[2:] == [*[50] * (unanswered // 50), *([unanswered % 50] if unanswered % 50 else [])]
    assert BAD in told[-unanswered:]
    assert world.query("SELECT count(*) FROM unanswered_contact") == [(0,)]


@pytest.mark.parametrize("applied", [0, EVERYTHING], ids=["never applied", "always applied"])
def test_a_poison_contact_is_found_and_everybody_else_gets_through(world: World, applied: int) -> None:
    """The receiver resets whatever holds this contact: it is alone in the end, refused then, and later parked."""
    leavers = leaving(world, 12)
    rows = members(900)
    world.receiver.script = whenever_named({BAD}, Reset(apply=applied))
    others = truth(row for row in rows if row[2] != BAD)
    runs_until_others, runs_until_refused = 0, 0
    for runs in range(1, 12):
        staying = next(leavers)
        world.warehouse.replace([*rows, *staying])
        world.sync()
        if not runs_until_others and world.believed() >= others:
            runs_until_others = runs
        if refused(world):
            runs_until_refused = runs
            break

    assert 0 < runs_until_others <= 7
    assert 0 < runs_until_refused <= 9
    ((contact, tries, following),) = refused(world)
    assert (contact, tries, following) == (BAD, 1, runs_until_refused + 2)
    assert world.query("SELECT contact FROM uncertain") == [(BAD,)]
    assert world.query("SELECT count(*) FROM synced_member") == [(899 + len(staying),)]
    assert world.verify().differences == 0


def test_a_poison_contact_that_was_refused_for_it_blocks_nobody_any_more(world: World) -> None:
    """Tried again by the backoff it goes last and alone, and in the end it is parked like any other."""
    leavers = leaving(world, 15)
    world.receiver.script = whenever_named({BAD}, Reset(apply=0))
    run_id = 0
    while not refused(world):
        world.warehouse.replace([*members(5), *next(leavers)])
        run_id = world.sync().report.run_id or 0
        assert run_id < 15

    tries = [refused(world)[0]]
    known = 5
    while tries[-1][2] is not None and run_id < 200:
        skip_to(world, tries[-1][2])
        known += 1
        world.warehouse.replace(members(known))
        run_id = world.sync().report.run_id or 0
        # The new contact goes through although the poison was tried in the same run.
        assert world.believed() == truth(row for row in members(known) if row[2] != BAD)
        tries.append(refused(world)[0])

    assert [count for _, count, _ in tries] == [1, 2, 3, 4, 5, 6]
    assert tries[-1][2] is None
    skip_to(world, 1000)
    quiet = world.sync()
    assert (quiet.report.status, sync.exit_code(quiet)) == (Status.SUCCEEDED, 0)
    assert world.query("SELECT contact FROM uncertain") == [(BAD,)]
    world.receiver.script = None
    with world.state() as state:
        assert control.release(state, []) == 1
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(known))
    assert world.query("SELECT count(*) FROM unanswered_contact") == [(0,)]
    assert refused(world) == []


@pytest.mark.parametrize(
    ("traits", "identity"),
    [("", "email"), ('traits = { user_id = "city" }', "email"), ("", "user_id")],
    ids=["alone", "traits go along", "the email goes along"],
)
def test_a_contact_that_never_answers_is_backed_off_whatever_goes_along(
    world: World, traits: str, identity: str
) -> None:
    world.extra = traits
    world.destination_extra = f'max_events_per_second = 0\nidentity = "{identity}"'
    world.receiver.allowed_traits = frozenset({"city"})
    leavers = leaving(world, 15)
    world.receiver.script = whenever_named({BAD}, Reset(apply=0))
    contact = BAD if identity == "email" else "u0003"

    def run() -> int:
        """Somebody else leaves, and is told false; returns how many had no answer."""
        world.warehouse.replace([(VIP, "u0003", BAD), *next(leavers)])
        report = world.sync().report.destinations[0]
        assert report.succeeded == 1
        return report.unknown

    for _ in range(3):
        run()
    assert refused(world) == [(contact, 1, 5)]

    for tries, (run_id, following) in enumerate([(5, 7), (7, 11), (11, 19), (19, 35), (35, None)], start=2):
        if run_id > 5:  # until then it is left in peace
            skip_to(world, run_id - 1)
            assert run() == 0
        assert run() == 1
        assert refused(world) == [(contact, tries, following)]
    assert run() == 0


def test_a_refused_retraction_of_a_value_is_backed_off(world: World) -> None:
    world.extra = '[[computed_traits]]\nname = "Score"\nquery = "SELECT * FROM scores"\non_missing = "null"'
    world.receiver.allowed_nulls = frozenset({"score"})
    world.warehouse.run("CREATE TABLE scores (user_id text, email text, value integer)")
    world.warehouse.run("INSERT INTO scores VALUES ('u0003', %s, 7), ('u0004', 'u0004@x.io', 8)", [BAD])
    world.sync()
    world.warehouse.run("DELETE FROM scores WHERE value = 7")
    world.receiver.script = refusing(BAD)
    world.sync()
    assert refused(world) == [(BAD, 1, 3)]
    world.sync()
    assert refused(world) == [(BAD, 2, 5)]

    assert world.sync().report.destinations[0].planned == 0
    assert refused(world) == [(BAD, 2, 5)]
