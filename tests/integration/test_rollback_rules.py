"""No rule gives way to a rollback, and what it did not look at is looked at by the next run."""

import pytest

from syncer.daemon import lateness
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.state import status
from tests.integration.test_rollback import ADA, BEN, CAT, counted, only, propose, run, take_back
from tests.points import Points
from tests.world import CHURN, VIP, Row, World, calls, members, named_members, told, truth

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("a rollback tells what the warehouse does not say: that is what it is about"),
]


def test_what_was_only_told_again_has_not_moved(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN + CAT)
    propose(world, bad)

    world.resync()

    assert len(world.held()) == 2
    proposal = propose(world, bad)
    assert counted(proposal) == {"added": 1, "removed": 1}
    assert world.approve(proposal.run_id) == 2
    world.sync()
    assert world.believed() == truth(ADA + BEN)
    world.sync()
    world.resync()
    assert counted(propose(world, bad)).keys() == {"moved"}


def test_nobody_comes_back_whose_address_is_suppressed_where_the_contact_is_the_user(world: World) -> None:
    world.destination_extra += '\nidentity = "user_id"'
    run(world, ADA + BEN)
    bad = run(world, CAT)
    world.warehouse.run("CREATE TABLE stopped (email text)")
    world.warehouse.run("INSERT INTO stopped VALUES ('ada@x.io')")
    world.extra = '[suppress]\nquery = "SELECT email FROM stopped"\n'
    before = len(world.receiver.events)

    take_back(world, bad, pauses=True)

    assert dict(calls(world, before)).keys() == {"u-ben", "u-cat"}
    assert world.held() == set()


@pytest.mark.parametrize("rule", ["suppressed", "held out"])
def test_nobody_is_told_true_once_more_whom_a_rule_excludes_by_now(world: World, rule: str) -> None:
    run(world, ADA + BEN)
    world.receiver.script = only("ada@x.io", Reset(EVERYTHING))
    lost = run(world, BEN)
    world.receiver.script = None
    world.warehouse.run("CREATE TABLE stopped AS SELECT 'u-ada' AS user_id")
    world.extra = '[suppress]\nquery = "SELECT user_id FROM stopped"\n'
    if rule == "held out":
        world.extra = f'[[audiences]]\nname = "{VIP}"\nholdout = 1.0\n'
    before = len(world.receiver.events)

    assert counted(take_back(world, lost, pauses=True)) == {"reasserted": 1}

    assert told(world, before) == []
    assert world.held() == set()


def test_who_is_frozen_is_told_nothing(world: World) -> None:
    world.destination_extra += '\nsuppress = "freeze"'
    run(world, BEN)
    bad = run(world, ADA + BEN)
    world.approve(propose(world, bad, pauses=True).run_id)
    world.warehouse.run("CREATE TABLE stopped AS SELECT 'u-ada' AS user_id")
    world.extra = '[suppress]\nquery = "SELECT user_id FROM stopped"\n'
    before = len(world.receiver.events)

    run(world, BEN)

    assert told(world, before) == []
    assert world.held() == set()


def test_of_a_priority_nobody_comes_back_beside_what_they_enter(world: World) -> None:
    churn = named_members("ada", audience=CHURN)
    run(world, churn + BEN)
    bad = run(world, BEN)
    proposal = propose(world, bad)
    world.approve(proposal.run_id)
    world.extra = f'[[priority]]\nname = "life"\naudiences = ["{VIP}", "{CHURN}"]\n'

    run(world, ADA + BEN)
    assert world.believed() == truth(ADA + BEN)
    world.sync()

    assert world.believed() == truth(ADA + BEN)
    assert world.held() == {("ada@x.io", "churn_risk", "added")}


def test_of_two_audiences_of_a_priority_one_comes_back(world: World) -> None:
    run(world, ADA + named_members("ada", audience=CHURN) + BEN)
    bad = run(world, BEN)
    world.extra = f'[[priority]]\nname = "life"\naudiences = ["{VIP}", "{CHURN}"]\n'

    take_back(world, bad, pauses=True)

    assert len(world.believed() - truth(BEN)) == 1
    assert len(world.held()) == 1


def test_who_took_over_an_address_meanwhile_is_looked_at_by_the_next_run(world: World) -> None:
    world.warehouse.run("CREATE SCHEMA scratch")
    world.warehouse_extra = 'scratch = "scratch"'
    everybody = members(40)
    run(world, ADA + everybody)
    bad = run(world, everybody)
    world.approve(propose(world, bad).run_id)
    successor: list[Row] = [(VIP, "u-9", "ada@x.io"), *everybody]
    run(world, successor)

    world.sync()

    assert world.believed() == truth(successor)
    assert world.query("SELECT user_id FROM synced_member WHERE contact = 'ada@x.io'") == [("u-9",)]
    assert world.verify().differences == 0
    world.sync()
    assert world.query("SELECT read FROM run ORDER BY run_id DESC LIMIT 1") == [("changes",)]


def test_a_pause_stops_what_a_resync_tells_beside_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN)
    world.approve(propose(world, bad).run_id)
    before = len(world.receiver.events)
    points = Points(monkeypatch)
    points.watch("before claim_pages", lambda: world.pause(VIP))

    world.resync()

    assert points.reached
    assert told(world, before) == [("ada@x.io", "vip_buyers", True)]


def test_what_is_only_held_is_no_run_that_did_its_work(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN)
    world.receiver.script = lambda _: Answer(401)
    failed = run(world, BEN + CAT)
    world.receiver.script = None
    with world.state() as connection:
        before = status.due(connection)

        propose(world, bad)

        assert status.due(connection) == before
        assert lateness.ask(connection).failed_run_id == failed
        assert [each.error is None for each in status.destinations(connection)] == [False]
