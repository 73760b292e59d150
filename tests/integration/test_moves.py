"""A receiver that keys by user id as well as by contact: each of the two is told the right value last (rule 9)."""

import random
from contextlib import suppress

import pytest

from syncer import errors, sync
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.points import end_sessions
from tests.world import CHURN, VIP, Row, World, told, truth

pytestmark = pytest.mark.usefixtures("unguarded")


def users_told_wrong(world: World, rows: list[Row], since: int = 0) -> set[tuple[str, str]]:
    """(user id, property) of profiles that were told `false` last, although a row has the user in the audience."""
    last = {
        (each.event["userId"], name): value
        for each in world.receiver.events[since:]
        for name, value in each.event["traits"].items()
    }
    return {
        (user, name)
        for audience, user, _ in rows
        if user is not None and audience is not None
        for name in [{VIP: "vip_buyers", CHURN: "churn_risk"}[audience]]
        if last.get((user, name)) is False
    }


@pytest.mark.parametrize(("mover", "there"), [("u2", "u1"), ("u1", "u2")])
def test_a_user_who_moves_to_a_shared_address_is_told_by_their_own_id(world: World, mover: str, there: str) -> None:
    world.warehouse.replace([(VIP, there, "a@x.io"), (VIP, mover, "b@x.io")])
    world.sync()
    rows: list[Row] = [(VIP, there, "a@x.io"), (VIP, mover, "a@x.io")]
    world.warehouse.replace(rows)

    world.sync()

    assert world.receiver.belief_by_user[mover] == {"vip_buyers": True}
    assert world.believed() == truth(rows)
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def test_an_answer_lost_after_the_false_is_followed_by_the_next_run(world: World) -> None:
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    rows: list[Row] = [(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")]
    world.warehouse.replace(rows)
    world.receiver.script = lambda request: Reset(apply=0) if "a@x.io" in str(request.events) else None
    assert sync.exit_code(world.sync()) == 6
    assert world.receiver.belief_by_user["u2"] == {"vip_buyers": False}
    world.receiver.script = None

    world.sync()

    assert world.receiver.belief_by_user["u2"] == {"vip_buyers": True}
    assert world.in_doubt() == set()
    assert world.sync().report.destinations[0].planned == 0


def test_several_who_move_to_one_address_follow_one_another_run_by_run(world: World) -> None:
    people = [f"u{number}" for number in range(4)]
    world.warehouse.replace([(VIP, user, f"{user}@x.io") for user in people])
    world.sync()
    rows: list[Row] = [(VIP, user, "all@x.io") for user in people]
    world.warehouse.replace(rows)

    for _ in people:
        result = world.sync()
        assert users_told_wrong(world, rows) == set()
        assert world.verify().differences == 0

    assert result.report.status == "succeeded"
    assert world.believed() == truth(rows)
    assert world.sync().report.destinations[0].planned == 0


@pytest.mark.parametrize("seed", range(2))
def test_of_random_moves_no_run_leaves_anybody_false_who_is_in(world: World, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(12):
        rows: list[Row] = sorted(
            {
                (dice.choice([VIP, CHURN]), f"u{dice.randrange(4)}", f"{dice.choice('abcd')}@x.io")
                for _ in range(dice.randrange(1, 9))
            }
        )
        world.warehouse.replace([*rows, (VIP, "z", "z@x.io"), (CHURN, "z", "z@x.io")])
        for _ in range(8):
            before = len(world.receiver.events)
            planned = world.sync().report.destinations[0].planned
            assert users_told_wrong(world, rows, before) == set(), rows
            assert world.verify().differences == 0
            if planned == 0:
                break
        assert planned == 0
        assert world.believed() == truth(rows) | {("z@x.io", "vip_buyers"), ("z@x.io", "churn_risk")}


def test_a_user_who_was_told_false_and_comes_back_to_a_shared_address_is_told_by_their_own_id(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")])

    world.sync()

    assert world.receiver.belief_by_user["u2"] == {"vip_buyers": True}
    assert world.sync().report.destinations[0].planned == 0


def test_every_user_who_was_told_false_at_an_address_is_told_by_their_own_id_when_they_are_back(world: World) -> None:
    """The address has had several users, one after the other: each was named by the false when they left."""
    world.warehouse.replace([(VIP, "u0", "b@x.io")])
    world.sync()
    for user in ("u2", "u1", "u3"):
        world.warehouse.replace([(VIP, "u0", "b@x.io"), (VIP, user, "a@x.io")])
        world.sync()
        world.warehouse.replace([(VIP, "u0", "b@x.io")])
        world.sync()
    rows: list[Row] = [(VIP, user, "b@x.io") for user in ("u0", "u1", "u2", "u3")]
    world.warehouse.replace(rows)

    for _ in range(3):
        world.sync()

    assert {user: belief["vip_buyers"] for user, belief in world.receiver.belief_by_user.items()} == dict.fromkeys(
        ("u0", "u1", "u2", "u3"), True
    )
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def test_an_address_that_is_true_for_somebody_else_does_not_let_a_false_be_forgotten(world: World) -> None:
    world.warehouse.replace([(VIP, "u2", "a@x.io"), (VIP, "u1", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "b@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "b@x.io"), (VIP, "u5", "a@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "b@x.io"), (VIP, "u5", "a@x.io"), (VIP, "u2", "b@x.io")])

    world.sync()

    assert world.receiver.belief_by_user["u2"] == {"vip_buyers": True}
    assert world.sync().report.destinations[0].planned == 0


@pytest.mark.parametrize("fault", ["the follower is refused", "the answer is lost", "the state is lost"])
def test_a_user_whose_follower_was_not_told_is_told_at_another_address(world: World, fault: str) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u1", "b@x.io"), (VIP, "u1", "c@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "b@x.io"), (VIP, "u1", "c@x.io")])

    def answer(request: ReceivedRequest) -> Fault | None:
        if not any(False in each["traits"].values() for each in request.events):
            return Answer(400)
        if fault == "the state is lost":
            end_sessions(world.state_url)
        return None if fault == "the follower is refused" else Reset(apply=EVERYTHING)

    world.receiver.script = answer
    with suppress(errors.StateError):
        world.sync()
    world.receiver.script = None
    assert world.receiver.belief_by_user["u1"] == {"vip_buyers": False}
    rows: list[Row] = [(VIP, "u2", "a@x.io"), (VIP, "u2", "b@x.io"), (VIP, "u1", "c@x.io")]
    world.warehouse.replace(rows)

    world.sync()

    assert world.receiver.belief_by_user["u1"] == {"vip_buyers": True}
    assert world.believed() == truth(rows)
    assert world.sync().report.destinations[0].planned == 0


def test_a_call_that_names_a_user_who_has_just_left_does_not_settle_what_they_were_told(world: World) -> None:
    """u1 leaves the audience at both addresses, and u2 enters at one of them, whose call still names u1."""
    stays: list[Row] = [(CHURN, "u1", "b@x.io")]
    world.warehouse.replace([*stays, (VIP, "u1", "b@x.io"), (VIP, "u1", "c@x.io")])
    world.sync()
    world.warehouse.replace([*stays, (VIP, "u2", "b@x.io")])
    world.resync()
    since = world.receiver.event_count
    rows = [*stays, (VIP, "u1", "b@x.io"), (VIP, "u2", "b@x.io")]
    world.warehouse.replace(rows)

    world.sync()  # u1 is back, where nothing has to be told: the two calls came in no order

    assert told(world, since) == [("b@x.io", "vip_buyers", True)]
    assert users_told_wrong(world, rows, since) == set()
    assert world.sync().report.destinations[0].planned == 0


def test_a_false_waits_for_a_call_that_names_another_also_where_other_rows_of_that_contact_only_move(
    world: World,
) -> None:
    stays: list[Row] = [(VIP, "u0", "b@x.io"), (VIP, "u1", "b@x.io")]
    world.warehouse.replace([*stays, (VIP, "u1", "a@x.io")])
    world.sync()
    rows: list[Row] = [*stays, (VIP, "u3", "b@x.io"), (CHURN, "u0", "b@x.io")]
    world.warehouse.replace(rows)

    assert world.sync().report.deferred == 1
    assert world.believed() == truth([*rows, (VIP, "u1", "a@x.io")])

    world.sync()
    assert world.believed() == truth(rows)
    assert world.receiver.belief_by_user["u1"]["vip_buyers"] is True


def test_a_row_without_an_address_keeps_nobody_at_an_old_address_who_still_has_another(world: World) -> None:
    stays: Row = (VIP, "u1", "b@x.io")
    world.warehouse.replace([stays, (VIP, "u1", "a@x.io")])
    world.sync()
    world.warehouse.replace([stays, (VIP, "u1", None)])

    world.sync()

    assert world.believed() == truth([stays])


def test_a_call_names_also_whom_a_row_without_an_address_keeps(world: World) -> None:
    world.warehouse.replace([(VIP, "a", "both@x.io"), (VIP, "b", "both@x.io")])
    world.sync()
    world.warehouse.replace([(VIP, "a", None), (VIP, "b", "both@x.io"), (CHURN, "b", "both@x.io")])
    world.sync()
    assert [each.event["userId"] for each in world.receiver.events] == ["a", "a"]
