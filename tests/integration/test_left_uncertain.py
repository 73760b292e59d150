"""What is uncertain ends: by a call, or by a reason that is listed."""

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from tests.integration.test_computed_traits import set_values, with_values
from tests.world import VIP, Row, World

pytestmark = pytest.mark.usefixtures("unguarded")


def lose_answers(world: World) -> None:
    """A run of which every answer is lost."""
    world.receiver.script = lambda _: Reset(apply=EVERYTHING)
    world.sync()
    world.receiver.script = None


def assert_left(world: World, reason: str) -> None:
    """Nothing is sent about what is uncertain, nothing is pending, and every question about it is answered."""
    since = world.receiver.event_count
    assert sync.exit_code(world.sync()) == 0
    assert world.receiver.event_count == since
    (destination,) = world.json("status")["destinations"]
    assert (destination["uncertain"], destination["left_uncertain"]) == (0, 1)
    assert destination["oldest_pending_seconds"] is None
    assert "left" in world.command("status").stdout
    found = world.verify()
    assert found.differences == 0
    assert found.destinations[0].listed.get(f"left uncertain: {reason}") == 1
    told = world.explain("a@x.io").destinations[0]["told"]
    assert [(row["uncertain"], row["left_because"]) for row in told if row["uncertain"]] == [(True, reason)]


def assert_ended(world: World) -> None:
    assert sync.exit_code(world.sync()) == 0
    assert world.in_doubt() == set()
    (destination,) = world.json("status")["destinations"]
    assert (destination["uncertain"], destination["left_uncertain"]) == (0, 0)
    assert world.verify().differences == 0


@pytest.mark.parametrize("known", [False, True])
def test_a_computed_trait_that_is_configured_no_more(world: World, known: bool) -> None:
    with_values(world)
    asked, world.extra = world.extra, world.extra
    if known:
        set_values(world, ("u1", "a@x.io", 4))
        world.sync()
    set_values(world, ("u1", "a@x.io", 5))
    lose_answers(world)
    world.extra = ""

    assert_left(world, "not_configured")

    world.extra = asked
    assert_ended(world)
    assert world.receiver.belief["a@x.io"]["lifetime_value"] == 5


def test_a_user_drops_out_of_a_computed_trait_that_keeps_them(world: World) -> None:
    with_values(world)
    set_values(world, ("u1", "a@x.io", 5))
    lose_answers(world)
    set_values(world)

    assert_left(world, "no_value")

    set_values(world, ("u1", "a@x.io", 6))
    assert_ended(world)
    assert world.receiver.belief["a@x.io"]["lifetime_value"] == 6


def test_where_a_value_was_accepted_before_that_is_told_again(world: World) -> None:
    with_values(world)
    set_values(world, ("u1", "a@x.io", 4))
    world.sync()
    set_values(world, ("u1", "a@x.io", 5))
    lose_answers(world)
    set_values(world)

    assert_ended(world)
    assert world.receiver.belief["a@x.io"]["lifetime_value"] == 4


def test_a_member_whose_row_cannot_be_sent_any_more(world: World) -> None:
    rows: list[Row] = [(VIP, "u1", "a@x.io")]
    world.warehouse.replace(rows)
    lose_answers(world)
    world.warehouse.replace([(VIP, "u1", None)])

    assert_left(world, "skipped")

    world.warehouse.replace([])
    assert_ended(world)
    assert world.believed() == set()


def test_another_user_enters_where_the_row_of_the_first_cannot_be_sent_any_more(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    lose_answers(world)
    world.warehouse.replace([(VIP, "u1", None), (VIP, "u2", "a@x.io")])

    assert_ended(world)
    assert world.believed() == {("a@x.io", "vip_buyers")}


def test_a_contact_out_of_reach(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    lose_answers(world)
    reached, world.destination_extra = world.destination_extra, world.destination_extra + '\ncontacts = ["b@x.io"]'

    assert_left(world, "out_of_reach")

    world.destination_extra = reached
    assert_ended(world)
    assert world.believed() == {("a@x.io", "vip_buyers")}


def test_it_is_listed_also_while_others_come_into_the_audience(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    lose_answers(world)
    world.destination_extra += '\ncontacts = ["b@x.io"]'
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")])

    assert sync.exit_code(world.sync()) == 0

    assert world.json("status")["destinations"][0]["left_uncertain"] == 1


def test_what_only_waits_stays_pending(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    lose_answers(world)
    world.pause(VIP)
    world.sync()

    (destination,) = world.json("status")["destinations"]
    assert (destination["uncertain"], destination["left_uncertain"]) == (1, 0)
    assert destination["oldest_pending_seconds"] > 0
    world.resume(VIP)
    assert_ended(world)


def test_what_is_to_be_told_again_is_left_no_more_although_nobody_takes_it(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])
    lose_answers(world)
    reached, world.destination_extra = world.destination_extra, world.destination_extra + '\ncontacts = ["b@x.io"]'
    assert_left(world, "out_of_reach")
    world.destination_extra = reached
    world.receiver.script = lambda _: Answer(401)

    world.sync()

    (destination,) = world.json("status")["destinations"]
    assert (destination["uncertain"], destination["left_uncertain"]) == (1, 0)
    assert world.verify().destinations[0].listed == {"uncertain": 1}
    world.receiver.script = None
    assert_ended(world)
