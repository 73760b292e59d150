"""Memberships that a destination would forget by itself are told once more before it does."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from syncer import errors
from syncer.models import Status
from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, calls, members, told, truth

DAY = timedelta(days=1)
REFRESH = 20 * DAY
_EVERY = "max_events_per_second = 0\nrefresh = '20d'"


def later(world: World, by: timedelta) -> None:
    """Time goes by: all that happened is so much longer ago."""
    world.query("UPDATE run SET started_at = started_at - %s RETURNING run_id", [by])


def refreshed(world: World) -> Counter[str]:
    """How many contacts the last run told once more, by audience."""
    counts = world.query(
        "SELECT property, num_refreshed FROM sync_run_counts WHERE run_id = (SELECT max(run_id) FROM sync_runs)"
    )
    return +Counter(dict(counts))


def oldest(world: World) -> timedelta:
    """The age of what was told longest ago of all that stands."""
    [(age,)] = world.query(
        "SELECT max(now() - run.started_at) FROM synced_member JOIN run ON run.run_id = synced_member.told_run_id"
    )
    assert isinstance(age, timedelta)
    return age


@pytest.fixture
def refreshing(world: World) -> World:
    world.destination_extra = _EVERY
    return world


def grown(world: World, rows: list[Row]) -> None:
    world.warehouse.replace(rows)
    world.sync()
    later(world, REFRESH)


def test_nothing_gets_older_than_that_and_every_run_does_its_share(refreshing: World) -> None:
    world, people = refreshing, 300
    world.warehouse.replace(members(people))
    world.sync()
    shares = []
    for _ in range(14):
        later(world, 2 * DAY)
        assert oldest(world) <= REFRESH
        before = world.receiver.event_count
        report = world.sync().report
        share = refreshed(world)["vip_buyers"]
        shares.append(share)
        assert (report.status, report.destinations[0].planned) == (Status.SUCCEEDED, share)
        assert {value for _, _, value in told(world, before)} == {True}
        assert [(each.added, each.removed, each.held) for each in report.audiences] == [(0, 0, 0)]
    assert {share // 10 for share in shares} == {3}, shares  # 300 people in nine tenths of 20 days
    assert sum(shares[:9]) == people
    assert world.sync().report.destinations[0].planned == 0  # no time went by
    assert world.verify().differences == 0


def test_without_the_setting_nothing_is_told_once_more(world: World) -> None:
    grown(world, members(5))
    later(world, 1000 * DAY)
    assert world.sync().report.destinations[0].planned == 0


def test_one_call_tells_all_audiences_of_a_contact(refreshing: World) -> None:
    world, rows = refreshing, members(4) + members(4, CHURN)
    grown(world, rows)
    before = world.receiver.event_count
    world.sync()
    assert (world.receiver.event_count - before, refreshed(world)) == (4, {"vip_buyers": 4, "churn_risk": 4})
    assert {op for (op,) in world.query("SELECT op FROM sync_changelog WHERE run_id = 2")} == {"refreshed"}
    world.destination_extra += "\ncalls = 'per_audience'"
    later(world, REFRESH)
    before = world.receiver.event_count
    world.sync()
    assert world.receiver.event_count - before == 8


def test_it_goes_last_and_is_neither_guarded_nor_an_event(refreshing: World) -> None:
    world = refreshing
    world.extra = "[guard]\nmin_removed = 0\nmax_removed_fraction = 0.5\nmin_added = 0\nmax_added_fraction = 0.5\n"
    world.destination_extra += "\ntrack = true"
    grown(world, members(6))
    world.warehouse.replace([*members(6)[1:], *members(1, prefix="new")])
    before = world.receiver.event_count
    assert world.sync().report.status == Status.SUCCEEDED
    said = calls(world, before)
    properties = [(user, traits["vip_buyers"]) for user, traits in said]
    assert properties[:2] == [("u0000", False), ("new0000", True)]
    assert sorted(properties[2:]) == [(f"u000{number}", True) for number in range(1, 6)]
    assert refreshed(world) == {"vip_buyers": 5}


@pytest.mark.parametrize(
    "told_nothing",
    [
        pytest.param("suppressed", id="suppressed"),
        pytest.param("held", id="held"),
        pytest.param("paused", id="paused"),
        pytest.param("out of reach", id="out of reach"),
        pytest.param("skipped", id="skipped"),
        pytest.param("forgotten", id="forgotten"),
        pytest.param("retired", id="retired"),
    ],
)
def test_only_who_still_is_a_member_is_told(refreshing: World, told_nothing: str) -> None:
    world = refreshing
    grown(world, members(3))
    match told_nothing:
        case "suppressed":
            world.warehouse.run("CREATE TABLE unwanted (email text)")
            world.warehouse.run("INSERT INTO unwanted VALUES ('u0000@x.io')")
            world.extra = '[suppress]\nquery = "SELECT email FROM unwanted"\n'
            world.destination_extra += "\nsuppress = 'freeze'"
        case "held":
            world.extra = "[guard]\nmin_removed = 0\nmax_removed_fraction = 0.0\n"
            world.warehouse.replace(members(3)[1:])
        case "paused":
            world.pause(VIP)
        case "out of reach":
            world.destination_extra += "\ncontacts = ['u0001@x.io', 'u0002@x.io']"
        case "skipped":
            world.warehouse.replace([(VIP, "u0000", None), *members(3)[1:]])
        case "forgotten":
            world.command("forget", "u0000@x.io", "--yes")
        case "retired":
            world.command("retire", VIP, "--yes")
    before = world.receiver.event_count
    world.sync()
    said = set(told(world, before))
    expected = {(f"u000{number}@x.io", "vip_buyers", True) for number in (1, 2)}
    match told_nothing:
        case "paused":
            assert said == set()
        case "retired":
            assert {value for _, _, value in said} == {False}
        case _:
            assert said == expected


def _refusing_u0000(request: ReceivedRequest) -> Fault | None:
    unknown = any(event["traits"]["email"] == "u0000@x.io" for event in request.events)
    return Answer(400, body=b'{"message":"no such contact"}') if unknown else None


def test_whoever_is_refused_waits_and_comes_back(refreshing: World) -> None:
    world = refreshing
    grown(world, members(2))
    world.receiver.script = _refusing_u0000
    world.sync()
    assert [contact for (contact,) in world.query("SELECT contact FROM refused_contacts")] == ["u0000@x.io"]
    assert oldest(world) >= REFRESH
    world.receiver.script = None
    world.sync()
    assert (refreshed(world), world.query("SELECT contact FROM refused_contacts")) == ({"vip_buyers": 1}, [])


def test_a_row_that_moves_without_a_call_is_as_old_as_what_was_told(refreshing: World) -> None:
    """u1 takes the place of u0 at one address: no call, and the destination forgets the address all the same."""
    world = refreshing
    world.warehouse.replace([(VIP, "u0", "a@x.io")])
    world.sync()
    later(world, DAY / 100)
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    assert world.sync().report.destinations[0].planned == 0
    later(world, REFRESH)
    assert world.query("SELECT user_id, told_run_id FROM synced_member") == [("u1", 1)]
    world.sync()
    assert (refreshed(world), oldest(world) < DAY) == ({"vip_buyers": 1}, True)


def test_what_the_next_run_tells_once_more_is_said(refreshing: World) -> None:
    world = refreshing
    grown(world, members(2))
    people = world.command("plan", "--json", "--people").stdout
    assert '"op":"refreshed","contact":"u0000@x.io"' in people
    assert '"why":"refresh"' in people
    assert [(each["op"], each["waits"]) for each in world.explain("u0000@x.io").destinations[0]["pending"]] == [
        ("refreshed", None)
    ]
    found = world.verify()
    assert (found.differences, dict(found.destinations[0].listed)) == (0, {"refresh": 2})


def test_only_changes_travel_and_unchanged_audiences_are_not_compared(refreshing: World) -> None:
    world = refreshing
    world.warehouse.run("CREATE SCHEMA scratch")
    grown(world, members(5))
    world.sync()
    later(world, REFRESH)
    world.warehouse_extra = 'scratch = "scratch"'
    kept = [world.query("SELECT fingerprint IS NOT NULL FROM member_sum")]
    for _ in range(2):
        world.sync()
        later(world, REFRESH)
        kept.append(world.query("SELECT fingerprint IS NOT NULL FROM member_sum"))
    assert world.query(
        "SELECT run.read, run_count.refreshed FROM run JOIN run_count USING (run_id) ORDER BY run_id"
    ) == [
        ("everything", 0),
        ("everything", 5),
        ("everything", 5),
        ("changes", 5),
    ]
    assert kept == [[(True,)], [(True,)], []]
    assert world.query("SELECT count(*) FROM rest_member") == [(0,)]


def test_a_call_that_has_to_name_somebody_else_tells_nothing_once_more(refreshing: World) -> None:
    """u2 left b: their profile is told so, and the present value at a, where the usual call names u1."""
    world = refreshing
    grown(world, [(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io"), (VIP, "u2", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io"), (VIP, "u2", "a@x.io")])
    before = world.receiver.event_count
    assert world.sync().report.deferred == 0
    assert calls(world, before) == [
        ("u2", {"email": "b@x.io", "vip_buyers": False}),
        ("u2", {"email": "a@x.io", "vip_buyers": True}),
    ]
    before = world.receiver.event_count
    world.sync()
    assert calls(world, before) == [("u1", {"email": "a@x.io", "churn_risk": True, "vip_buyers": True})]


def test_a_rollback_that_waits_goes_on_waiting(refreshing: World) -> None:
    world = refreshing
    grown(world, members(2))
    assert world.command("rollback", "1").returncode == 0
    world.sync()
    assert (refreshed(world), len(world.held())) == ({"vip_buyers": 2}, 2)


def test_so_short_a_time_is_refused(world: World) -> None:
    world.destination_extra += "\nrefresh = '30s'"
    with pytest.raises(errors.ConfigError, match="refresh"):
        world.sync()


@pytest.mark.parametrize("seed", range(2))
def test_in_random_lives_nobody_is_forgotten_and_no_run_does_much(refreshing: World, seed: int) -> None:
    """People come, leave and come back, and the destination is down now and then."""
    world, chance = refreshing, random.Random(seed)
    world.extra = "[guard]\nmin_removed = 1000\n"
    everybody = members(60, VIP, CHURN)
    rows = chance.sample(everybody, 80)
    for _ in range(14):
        passed = chance.uniform(0, 1) * REFRESH / 10
        later(world, passed)
        rows = [row for row in everybody if (row in rows) != (chance.random() < 0.05)]
        world.warehouse.replace(rows)
        down = chance.random() < 0.15
        world.receiver.script = (lambda _request: Answer(401)) if down else None
        world.sync()
        if not down:
            assert oldest(world) <= 0.9 * REFRESH
            assert world.believed() == truth(rows)
    world.receiver.script = None
    world.sync()
    worst = max(number for (number,) in world.query("SELECT num_refreshed FROM sync_run_counts"))
    assert 0 < worst <= len(everybody) / 2
    assert world.verify().differences == 0
