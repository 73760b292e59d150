"""What a human approves passes the guard: just that, and for as long as it takes."""

import json
from collections.abc import Callable

import pytest

from syncer import control, errors, sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.state import retention
from tests.world import (
    CHURN,
    GUARD_FROM_TWO,
    VIP,
    World,
    assert_held,
    keep_together,
    members,
    named_members,
    removals,
    truth,
)


def emptied(world: World, left: int = 2, before: int = 12) -> int:
    """An audience of twelve of which ten leave and are held; returns that run."""
    world.extra = GUARD_FROM_TWO
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
    assert world.approve(run_id) == 4

    result = world.sync()

    assert_held(result)
    assert world.held() == removals(members(4, first=4))
    assert world.believed() == truth(members(8) + members(2, first=10))
    assert "u0010@x.io" not in {
        each.event["traits"]["email"] for each in world.receiver.events if each.event["traits"]["vip_buyers"] is False
    }
    assert (result.report.audiences[0].removed, result.report.audiences[0].held) == (2, 4)
    assert world.approve(run_id) == 0  # what came later is not what that run held
    assert world.approve(result.report.run_id) == 4
    world.warehouse.replace(members(6) + members(2, first=10))  # u4 and u5 came back: approved no more
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(6) + members(2, first=10))
    assert world.held() == set()
    world.warehouse.replace(rows)
    world.sync()
    assert world.query("SELECT count(*) FROM held_change WHERE approved_at IS NOT NULL") == [(0,)]


def test_approval_is_neither_counted_nor_held_again(world: World) -> None:
    """Of twelve, eight are approved; of the other four one leaves: a quarter of those, which is too few anyway."""
    run_id = emptied(world, left=4)
    world.extra = "[guard]\nmin_removed = 1"
    world.approve(run_id)
    world.warehouse.replace(members(3))

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(3))


def test_approval_by_audience_and_by_destination(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4) + members(4, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(1, CHURN))
    run_id = world.sync().report.run_id

    with pytest.raises(errors.ConfigError):
        world.approve(run_id, destinations=("elsewhere",))
    with pytest.raises(errors.ConfigError):
        world.approve(run_id, "VIP Byers")
    assert world.approve(run_id, "churn_risk", destinations=("segment",)) == 3
    assert world.approve(run_id, CHURN) == 0
    with world.state() as state:
        assert [(row.audience, row.contacts) for row in control.waiting(state, run_id or 0)] == [(VIP, 3)]

    assert_held(world.sync())
    assert world.believed() == truth(members(4) + members(1, CHURN))
    # An older run approves what it held, as long as that waits.
    assert world.approve(run_id) == 3
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(1, CHURN))
    actions = world.query("SELECT action, run_id, arguments ->> 'changes' FROM operator_actions ORDER BY at")
    assert actions == [("approve", 2, "3"), ("approve", 2, "0"), ("approve", 2, "3")]


def test_a_run_that_is_unknown_or_held_nothing_approves_nothing(world: World) -> None:
    emptied(world)
    with world.state() as state, pytest.raises(errors.ConfigError):
        control.waiting(state, 99)
    assert world.approve(1) == 0
    assert_held(world.sync())

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
    world.approve(emptied(world))
    world.receiver.script = script
    world.sync()
    assert world.query("SELECT DISTINCT approved_at IS NOT NULL, count(*) OVER () FROM held_changes") == [(True, 10)]
    assert bool(world.in_doubt()) == doubtful

    world.receiver.script = None
    result = world.sync()

    assert sync.exit_code(result) == 0
    assert (world.held(), world.in_doubt()) == (set(), set())
    assert world.believed() == truth(members(2))


def test_what_was_approved_and_refused_stays_approved_for_that_contact(world: World) -> None:
    world.approve(emptied(world))

    def refuse(request: ReceivedRequest) -> Answer | None:
        named = {event["traits"]["email"] for event in request.events}
        return Answer(400, body=b'{"message":"no"}') if "u0005@x.io" in named else None

    world.receiver.script = refuse
    refused = world.sync()
    assert sync.exit_code(refused) == 8
    assert world.held() == {("u0005@x.io", "vip_buyers", "removed")}
    assert world.believed() == truth(members(2) + members(1, first=5))
    world.sync()
    world.sync()  # waits for its next try
    assert world.held() == {("u0005@x.io", "vip_buyers", "removed")}

    world.receiver.script = None
    world.sync()

    assert world.believed() == truth(members(2))
    assert world.held() == set()


def test_the_command_exits_with_5_and_its_json_counts_what_is_held(world: World) -> None:
    emptied(world)

    ended = world.command("sync", "--json")

    assert ended.returncode == 5
    report = json.loads(ended.stdout)
    assert report["status"] == "held"
    (audience,) = report["audiences"]
    assert (audience["added"], audience["removed"], audience["held"]) == (0, 0, 10)
    assert "approve 3" in ended.stderr


def test_what_a_full_resync_held_is_approved_and_it_has_told_all_the_others_again(world: World) -> None:
    """All are told again by order, whatever else an operator says of that run: the auditor knows these apart."""
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4) + members(2, CHURN))
    world.sync()
    world.warehouse.replace(members(1) + members(2, CHURN))
    run_id = world.resync().report.run_id

    assert world.approve(run_id, VIP) == 3
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1) + members(2, CHURN))


def test_what_waits_can_be_approved_for_as_long_as_it_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the last run that held it, and by no other: the rest of the history goes."""
    keep_together(monkeypatch, 2)
    world.extra = GUARD_FROM_TWO
    everybody = named_members("a", "b", "c", "d")
    world.warehouse.replace(everybody)
    world.sync()
    world.sync()
    world.warehouse.replace(everybody[:1])
    world.sync()
    world.sync()
    world.warehouse.replace([*everybody[:1], *named_members("e", audience=CHURN)])
    for _ in range(4):
        world.sync(audiences=[CHURN])
    with world.state() as connection:
        connection.execute("UPDATE run SET finished_at = finished_at - interval '2 days'")
        assert retention.drop_old(connection, 86_400) == 4

    assert {run_id for (run_id,) in world.query("SELECT run_id FROM run_count")} == {3, 4, 7, 8}
    assert world.approve(4) == 3
    with pytest.raises(errors.ConfigError, match="what run 1 held is not kept any more"):
        world.approve(1)
