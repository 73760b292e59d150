"""A rollback brings back everybody whom a run told something, as a hold, and leaves alone what moved since."""

import random
from collections.abc import Callable

import pytest

from syncer import control, errors, rollback, sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, keep_together, members, named_members, told, truth

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("a rollback tells what the warehouse does not say: that is what it is about"),
]

ADA, BEN, CAT = (named_members(name) for name in ("ada", "ben", "cat"))
WAITING = "SELECT contact, op FROM held_changes WHERE rolls_back_run_id IS NOT NULL"


def propose(world: World, run_id: int | None, *, pauses: bool = False, people: bool = False) -> rollback.Proposal:
    state = State(world.state_url, "syncer")
    with state.connect("test") as connection:
        return rollback.propose(state, connection, run_id or 0, pauses=pauses, people=people)


def cancel(world: World, run_id: int | None) -> int:
    state = State(world.state_url, "syncer")
    with state.connect("test") as connection:
        return rollback.cancel(state, connection, run_id or 0)


def counted(proposal: rollback.Proposal) -> dict[str, int]:
    """Contacts by what becomes of them."""
    return {change.op or change.reason or "": change.contacts for change in proposal.changes}


def run(world: World, rows: list[Row]) -> int:
    world.warehouse.replace(rows)
    return world.sync().report.run_id or 0


def take_back(world: World, run_id: int, *, pauses: bool = False) -> rollback.Proposal:
    """Proposed, approved and told."""
    proposal = propose(world, run_id, pauses=pauses)
    assert world.approve(proposal.run_id) == proposal.contacts
    world.sync()
    return proposal


def only(contact: str, answer: Answer | Reset) -> Callable[[ReceivedRequest], Answer | Reset | None]:
    """What befalls the calls about one contact."""
    return lambda request: answer if any(contact in str(event) for event in request.events) else None


def test_a_run_is_taken_back_as_a_hold_of_its_own_and_told_again_by_the_run_after(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN + CAT)

    proposal = propose(world, bad)

    assert counted(proposal) == {"added": 1, "removed": 1}
    assert world.held() == {("ada@x.io", "vip_buyers", "added"), ("cat@x.io", "vip_buyers", "removed")}
    assert world.believed() == truth(BEN + CAT)
    (row,) = world.query(
        "SELECT trigger, status, rolls_back_run_id, finished_at IS NOT NULL FROM sync_runs WHERE run_id = 3"
    )
    assert row == ("rollback", "held", bad, True)
    assert world.query("SELECT DISTINCT reason, since_run_id FROM held_changes") == [(f"rollback of run {bad}", 3)]
    assert world.query("SELECT num_held FROM sync_run_counts WHERE run_id = 3") == [(2,)]
    assert world.query("SELECT action, run_id FROM operator_actions") == [("rollback", 3)]
    ada = world.explain("ada@x.io")
    assert f"rollback of run {bad}" in str(ada)

    assert sync.exit_code(world.sync()) == 5  # it waits; nothing else does
    assert world.believed() == truth(BEN + CAT)
    assert world.approve(bad) == 0  # that run held nothing
    assert world.verify().differences == 0
    assert world.approve(proposal.run_id) == 2
    assert world.approve(proposal.run_id) == 0
    assert world.verify().differences == 0  # held, as long as it is not told
    before = len(world.receiver.events)
    assert sync.exit_code(world.sync()) == 0
    assert sorted(told(world, before)) == [("ada@x.io", "vip_buyers", True), ("cat@x.io", "vip_buyers", False)]
    assert (world.believed(), world.held()) == (truth(ADA + BEN), set())

    assert sync.exit_code(world.sync()) == 0  # the warehouse still says so
    assert world.believed() == truth(BEN + CAT)
    assert world.verify().differences == 0


def test_with_its_audiences_paused_it_stays_as_brought_back(world: World) -> None:
    everybody = members(3) + members(2, CHURN)
    run(world, everybody)
    bad = run(world, members(1) + members(2, CHURN))
    proposal = propose(world, bad, pauses=True)
    assert world.approve(proposal.run_id) == 2
    world.warehouse.replace(members(3, CHURN))  # the other audience goes on

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(3) + members(3, CHURN))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(3) + members(3, CHURN))
    assert world.verify().differences == 0

    world.warehouse.replace(members(2) + members(3, CHURN))
    world.resume(VIP, destinations=("segment",))
    world.sync()
    assert world.believed() == truth(members(2) + members(3, CHURN))
    assert world.verify().differences == 0


def test_an_initial_sync_is_taken_back_to_false_and_the_guard_does_not_hold_that_again(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    first = run(world, members(12))

    assert counted(take_back(world, first, pauses=True)) == {"removed": 12}

    assert world.believed() == set()
    assert {value for _, _, value in told(world, 12)} == {False}
    assert world.query("SELECT count(*) FROM told_false") == [(12,)]


def test_of_a_resync_there_is_nothing_to_take_back(world: World) -> None:
    run(world, ADA + BEN)
    run(world, ADA)
    again = world.resync().report.run_id

    proposal = propose(world, again)

    assert (proposal.run_id, counted(proposal)) == (None, {"unchanged": 2})
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]


def test_who_was_refused_was_told_nothing_and_whose_answer_was_lost_is_told_the_former_value(world: World) -> None:
    run(world, ADA)
    world.receiver.script = only("ben@x.io", Answer(400))
    bad = run(world, ADA + BEN)
    assert counted(propose(world, bad)) == {"refused": 1}

    world.receiver.script = only("ada@x.io", Reset(EVERYTHING))
    lost = run(world, BEN)
    world.receiver.script = None
    assert world.in_doubt() == {"ada@x.io"}
    assert ("ada@x.io", "vip_buyers") not in world.believed()
    proposal = propose(world, lost, pauses=True)
    assert counted(proposal)["reasserted"] == 1
    world.approve(proposal.run_id)
    world.sync()
    assert ("ada@x.io", "vip_buyers") in world.believed()
    assert (world.in_doubt(), world.held()) == (set(), set())


def test_what_moved_since_is_left_alone_and_listed(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, CAT)
    run(world, CAT + BEN)

    proposal = propose(world, bad, people=True)

    assert counted(proposal) == {"added": 1, "removed": 1, "moved": 1}
    (left,) = proposal.people
    assert (left.contact, left.reason, left.moved_run_id) == ("ben@x.io", "moved", 3)
    # And what moves before it is approved.
    run(world, BEN)
    assert world.query(WAITING) == [("ada@x.io", "added")]
    assert world.approve(proposal.run_id) == 1
    world.sync()
    assert world.believed() == truth(ADA + BEN)


def test_two_users_of_one_address_come_back_together(world: World) -> None:
    both: list[Row] = [(VIP, "u-1", "both@x.io"), (VIP, "u-2", "both@x.io")]
    run(world, both)
    bad = run(world, ADA)
    take_back(world, bad, pauses=True)
    assert world.query("SELECT user_id FROM synced_member ORDER BY 1") == [("u-1",), ("u-2",)]
    world.resume(VIP, destinations=("segment",))
    run(world, both[:1])
    assert world.believed() == truth(both)
    assert world.verify().differences == 0


def test_an_email_that_moved_moves_back_and_the_profile_ends_right(world: World) -> None:
    run(world, [(VIP, "u-1", "old@x.io")])
    moved = run(world, [(VIP, "u-1", "new@x.io")])
    take_back(world, moved, pauses=True)
    assert world.believed() == {("old@x.io", "vip_buyers")}
    assert world.receiver.belief_by_user["u-1"]["vip_buyers"] is True


@pytest.mark.parametrize("when", ["before it is approved", "after"])
def test_suppression_and_retirement_win(world: World, when: str) -> None:
    run(world, ADA + BEN + members(1, CHURN))
    bad = run(world, CAT + members(1, CHURN, first=1))
    world.warehouse.run("CREATE TABLE stopped (email text)")
    world.warehouse.run("INSERT INTO stopped VALUES ('ada@x.io')")
    proposal = propose(world, bad)
    assert proposal.contacts == 5
    if when == "after":
        world.approve(proposal.run_id)
    world.extra = '[suppress]\nquery = "SELECT email FROM stopped"\n'
    with world.state() as connection:
        control.retire(connection, CHURN)
    before = len(world.receiver.events)
    world.sync()
    world.approve(proposal.run_id)
    world.sync()
    since = told(world, before)
    assert ("ada@x.io", "vip_buyers", True) not in since
    assert not [each for each in since if each[1] == "churn_risk" and each[2]]
    assert ("ben@x.io", "vip_buyers", True) in since
    assert world.held() == set()


def test_whoever_is_held_out_by_now_does_not_come_back(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN)
    world.extra = f'[[audiences]]\nname = "{VIP}"\nholdout = 1.0\n'
    assert counted(take_back(world, bad)) == {"added": 1}
    assert (world.believed(), world.held()) == (set(), set())


def test_the_forgotten_are_told_nothing(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, CAT)
    proposal = propose(world, bad)
    world.approve(proposal.run_id)
    done = world.command("forget", "ada@x.io", "--yes")
    assert done.returncode == 0
    before = len(world.receiver.events)
    world.sync()
    assert "ada@x.io" not in str(told(world, before))
    assert ("ben@x.io", "vip_buyers", True) in told(world, before)
    assert world.held() == set()
    assert counted(propose(world, bad)).get("forgotten") == 1


def test_it_can_be_given_up_and_taken_back_itself(world: World) -> None:
    run(world, ADA)
    bad = run(world, BEN)
    proposal = propose(world, bad)
    world.approve(proposal.run_id)
    assert cancel(world, bad) == 2
    world.sync()
    assert world.believed() == truth(BEN)

    take_back(world, bad, pauses=True)
    assert world.believed() == truth(ADA)
    ((redone,),) = world.query("SELECT max(run_id) FROM sync_changelog")
    take_back(world, redone)
    assert world.believed() == truth(BEN)


def test_a_later_rollback_stands_in_the_place_of_an_earlier_one(world: World) -> None:
    run(world, ADA)
    bad = run(world, BEN)
    first, second = propose(world, bad), propose(world, bad)
    assert world.approve(first.run_id) == 0
    assert world.approve(second.run_id) == 2
    assert counted(propose(world, bad)) == {"approved": 2}


def test_a_rollback_is_whole_or_not_there_wherever_it_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run(world, ADA + BEN)
    bad = run(world, CAT)
    points = Points(monkeypatch)

    def killed(point: str, act: Callable[[], object]) -> None:
        points.watch(point, points.kill)
        with pytest.raises(Killed):
            act()
        points.rest()
        end_sessions(world.state_url)

    for point in ("after open_rollback", "before record_action"):
        killed(point, lambda: propose(world, bad))
        assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    proposal = propose(world, bad, pauses=True)
    world.approve(proposal.run_id)
    for point in ("before write_pages", "before a request", "before settle_pages", "before settle_holds"):
        killed(point, world.sync)
    world.sync()
    assert (world.believed(), world.held(), world.in_doubt()) == (truth(ADA + BEN), set(), set())


def test_the_command_says_what_it_holds_and_the_ways_out(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN + CAT)

    shown = world.command("rollback", str(bad), "--pause", "--people")

    assert shown.returncode == 0
    assert "back to true" in shown.stdout
    assert "back to false" in shown.stdout
    assert "syncer approve 3" in shown.stderr
    assert "syncer resume" in shown.stderr
    answer = world.json("rollback", str(bad))
    assert (answer["run_id"], answer["rolls_back_run_id"], len(answer["changes"])) == (4, bad, 2)
    assert world.json("history", "4")["status"] == "held"
    assert world.json("history", "4")["audiences"][0]["held"] == 2
    assert world.json("rollback", "4", "--cancel") == {"run_id": 4, "cancelled": 2}
    assert world.command("rollback", "99").returncode == 2
    assert world.command("rollback", str(bad), "--audience", "nobody").returncode == 2
    assert world.command("rollback", str(bad), "--cancel", "--pause").returncode == 2


def test_history_that_is_dropped_is_named_and_one_that_a_rollback_needs_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_together(monkeypatch, 2)
    world.extra = '[history]\nkeep = "1s"\n'
    run(world, ADA)
    world.sync()
    world.sync()
    bad = run(world, BEN)
    proposed = propose(world, bad).run_id
    assert (bad, proposed) == (4, 5), "they are in two blocks"
    age = "UPDATE run SET finished_at = finished_at - interval '1 day'"
    for _ in range(3):
        world.sync()
        with world.asking() as connection:
            connection.execute(age)
    world.sync()
    assert world.query("SELECT DISTINCT run_id FROM run_count WHERE run_id < 7 ORDER BY 1") == [(3,), (4,), (5,), (6,)]
    assert counted(propose(world, bad))["added"] == 1
    with pytest.raises(errors.ConfigError, match="not kept any more"):
        propose(world, 1)


@pytest.mark.parametrize("seed", range(2))
def test_a_rollback_and_then_the_same_warehouse_end_where_the_warehouse_says(world: World, seed: int) -> None:
    """Whatever a run told, whatever befell it, and whatever happens beside the rollback."""
    dice = random.Random(seed)
    people = members(6) + members(6, CHURN)

    def moved() -> list[Row]:
        moves: Row = (VIP, "u0000", dice.choice(["u0000@x.io", "moved@x.io", "u0001@x.io"]))
        return [*(row for row in people if dice.random() < 0.5), moves]

    run(world, moved())
    for _ in range(3):
        before = world.believed()
        fault = dice.choice([None, Answer(400), Reset(EVERYTHING)])
        world.receiver.script = only(f"u000{dice.randrange(6)}@x.io", fault) if fault else None
        rows = moved()
        bad = run(world, rows)
        world.receiver.script = None
        pauses, exact = dice.random() < 0.5, fault is None
        proposal = propose(world, bad, pauses=pauses)
        if dice.random() < 0.3:
            rows, exact = moved(), False
            run(world, rows)
        world.approve(proposal.run_id)
        world.sync()
        if exact:
            assert world.believed() == before
        world.resume(VIP, CHURN)
        world.command("retry")
        world.sync()
        assert world.believed() == truth(rows)
        assert (world.held(), world.in_doubt()) == (set(), set())
        assert world.verify().differences == 0
