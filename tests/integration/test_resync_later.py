"""Full resync: whom it cannot tell at once, or finds in other rows by now, is told later or told all the same."""

import pytest

from syncer import control
from syncer.receivers.loopback import Answer
from tests.world import CHURN, VIP, Row, World, members, open_resyncs, told


@pytest.mark.parametrize("hidden", ["skipped", "held", "refused"])
def test_who_could_not_be_told_again_is_when_they_can(world: World, hidden: str) -> None:
    """Due again until accepted: also for a member whose address is missing, whose removal is held, or who is refused.
    The resync does not wait for them: it ends once it has told everybody whom it could."""
    world.extra = f'[guard]\nmin_removed = 1\n[[audiences]]\nname = "{VIP}"'
    rows = members(3)
    world.warehouse.replace(rows)
    world.sync()
    hide: dict[str, list[Row]] = {"skipped": [(VIP, "u0002", None)], "held": [], "refused": rows[2:]}
    world.warehouse.replace(rows[:2] + hide[hidden])
    if hidden == "refused":
        world.receiver.script = lambda request: (
            Answer(400, body=b'{"message":"no"}') if "u0002@x.io" in str(request.events) else None
        )
    before = world.receiver.event_count
    world.resync()
    world.receiver.script = None
    if hidden == "refused":
        with world.state() as state:
            state.execute("UPDATE refused_contact SET next_try_run_id = NULL")
    world.sync()
    assert {contact for contact, _, _ in told(world, before)} == {"u0000@x.io", "u0001@x.io"}
    assert open_resyncs(world) == 0
    assert world.sync().report.destinations[0].planned == 0

    world.warehouse.replace(rows)
    with world.state() as state:
        control.release(state, [])
    before = world.receiver.event_count
    world.sync()

    assert told(world, before) == [("u0002@x.io", "vip_buyers", True)]
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


def test_a_null_that_was_told_is_told_again_by_a_trait_that_keeps_by_now(world: World) -> None:
    world.warehouse.run("CREATE TABLE scores (user_id text, email text, value integer)")
    world.receiver.allowed_nulls = frozenset({"score"})
    trait = '[[computed_traits]]\nname = "Score"\nquery = "SELECT user_id, email, value FROM scores"\non_missing = '
    world.extra = trait + '"null"'
    world.warehouse.replace(members(1))
    world.warehouse.run("INSERT INTO scores VALUES ('u1', 'a@x.io', 5), ('u2', 'b@x.io', 6)")
    world.sync()
    world.warehouse.run("DELETE FROM scores WHERE user_id = 'u1'")
    world.sync()
    world.extra = trait + '"keep"'
    before = world.receiver.event_count

    world.resync()

    assert {each for each in told(world, before) if each[1] == "score"} == {
        ("a@x.io", "score", None),
        ("b@x.io", "score", 6),
    }
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0


@pytest.mark.parametrize(
    ("narrowed", "only"),
    [
        ("rollout = 0.3", {}),
        ("rollout = 0.3", {"audiences": [VIP]}),
        ('contacts = ["u0003@x.io"]', {"audiences": [VIP]}),
        ("rollout = 0.0", {}),
    ],
)
def test_who_is_out_of_reach_is_told_again_once_within_it(
    world: World, narrowed: str, only: dict[str, list[str]]
) -> None:
    world.warehouse.replace(members(12))
    world.sync()
    world.warehouse.replace(members(10))
    world.sync()
    everybody = {(f"u{number:04d}@x.io", "vip_buyers", number < 10) for number in range(12)}
    wide = world.destination_extra
    world.destination_extra += f"\n{narrowed}"
    before = world.receiver.event_count

    world.resync(**only)

    first = set(told(world, before))
    assert first < everybody
    for _ in range(2):
        assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 1
    world.destination_extra = wide + "\nrollout = 0.6"
    before = world.receiver.event_count
    world.sync()
    second = set(told(world, before))
    assert not first & second
    world.destination_extra = wide
    before = world.receiver.event_count
    world.sync()
    third = told(world, before)
    assert first | second | set(third) == everybody
    assert len(first) + len(second) + len(third) == len(everybody)
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0
    assert world.verify().differences == 0


def test_a_resync_within_a_reach_that_never_was_wider_ends(world: World) -> None:
    world.destination_extra += "\nrollout = 0.5"
    world.warehouse.replace(members(10))
    world.sync()
    world.resync()
    world.sync()
    assert open_resyncs(world) == 0


@pytest.mark.parametrize(
    ("rows", "again"),
    [
        pytest.param([(VIP, "new", "a@x.io")], {("a@x.io", True)}, id="another user id"),
        pytest.param([(VIP, "u1", " A@X.IO")], {("a@x.io", True)}, id="another spelling"),
        pytest.param([(VIP, "new", " A@X.IO")], {("a@x.io", True)}, id="both"),
        pytest.param([(VIP, "new", "a@x.io"), (VIP, "u1", None)], {("a@x.io", True)}, id="the old row is skipped"),
        pytest.param([(VIP, "u1", "b@x.io"), (VIP, "new", "a@x.io")], {("a@x.io", True), ("b@x.io", True)}, id="both"),
        pytest.param([(VIP, "u1", "b@x.io")], {("a@x.io", False), ("b@x.io", True)}, id="another address"),
    ],
)
def test_every_member_is_told_whoever_its_rows_are_now(
    world: World, rows: list[Row], again: set[tuple[str, bool]]
) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io")])
    world.sync()
    world.warehouse.replace([*rows, (CHURN, "u1", "a@x.io")])
    before = world.receiver.event_count

    world.resync()

    assert {(contact, value) for contact, name, value in told(world, before) if name == "vip_buyers"} == again
    assert ("a@x.io", "churn_risk", True) in told(world, before)
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0
    assert world.verify().differences == 0


def test_a_value_is_told_again_whoever_its_row_is_now(world: World) -> None:
    world.warehouse.run("CREATE TABLE scores (user_id text, email text, value integer)")
    world.extra = '[[computed_traits]]\nname = "Score"\nquery = "SELECT user_id, email, value FROM scores"'
    world.warehouse.replace(members(1))
    world.warehouse.run("INSERT INTO scores VALUES ('u1', 'a@x.io', 5)")
    world.sync()
    world.warehouse.run("UPDATE scores SET user_id = 'new'")
    before = world.receiver.event_count

    world.resync()

    assert ("a@x.io", "score", 5) in told(world, before)
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0


def test_who_was_told_false_and_is_out_of_reach_is_told_so_again_once_within_it(world: World) -> None:
    world.warehouse.replace(members(3))
    world.sync()
    world.warehouse.replace(members(2))
    world.sync()
    reached, world.destination_extra = (
        world.destination_extra,
        world.destination_extra + '\ncontacts = ["u0000@x.io", "u0001@x.io"]',
    )
    world.resync(audiences=[VIP])
    world.destination_extra = reached
    before = world.receiver.event_count

    world.sync()

    assert told(world, before) == [("u0002@x.io", "vip_buyers", False)]
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0


def test_an_address_with_blanks_around_it_is_told_again_once(world_in_one_database: World) -> None:
    world = world_in_one_database
    world.warehouse.replace([(VIP, "u1", " a@x.io ")])
    world.sync()

    world.resync()

    assert told(world) == [("a@x.io", "vip_buyers", True)] * 2
    assert world.sync().report.destinations[0].planned == 0
    assert open_resyncs(world) == 0
