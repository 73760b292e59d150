"""What the guard holds of all audiences of a destination together, and what has passed it once."""

from syncer import sync
from syncer.receivers.loopback import Answer, Fault
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, VIP, Row, World, assert_held, members, removals, truth

NAMES = [f"List {number}" for number in range(8)]
LIMITS = "[guard]\nmin_removed = 10\nmin_added = 10\n"


def lists(count: int, *, of: int = 9, names: list[str] = NAMES) -> list[Row]:
    """`count` of the `of` members of each list, who are in no other."""
    return [row for number, name in enumerate(names) for row in members(count, name, first=number * of)]


def reasons(world: World) -> set[str]:
    return {reason for (reason,) in world.query("SELECT reason FROM held_changes")}


def test_many_small_audiences_that_lose_nearly_everybody_are_held(world: World) -> None:
    """Each loses fewer than the minimum; additions and everything else go on."""
    world.extra = LIMITS
    world.warehouse.replace(lists(9))
    world.sync()
    world.warehouse.replace([*lists(1), *members(1, CHURN)])

    result = world.sync()

    assert_held(result)
    assert world.held() == removals(row for row in lists(9) if row not in lists(1))
    assert reasons(world) == {
        "all audiences together would lose 64 of 72 memberships, more than max_removed_fraction = 0.25"
    }
    assert world.believed() == truth([*lists(9), *members(1, CHURN)])
    assert world.verify().differences == 0
    assert sync.exit_code(world.sync()) == 5

    world.approve(result.report.run_id)
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth([*lists(1), *members(1, CHURN)])
    assert world.held() == set()


def test_a_quarter_of_everything_goes_and_one_more_waits(world: World) -> None:
    world.extra = LIMITS
    world.warehouse.replace(lists(8, of=8))
    world.sync()
    world.warehouse.replace(lists(6, of=8))
    assert sync.exit_code(world.sync()) == 0
    world.warehouse.replace(lists(4, of=8)[1:] + members(1, NAMES[0], first=5))

    assert_held(world.sync())


def test_contacts_that_would_be_left_in_no_audience_are_counted_too(world: World) -> None:
    """Twelve people of one list each leave; most memberships, of a few people, stay."""
    few = members(20, *NAMES)
    world.extra = LIMITS
    loners: list[Row] = [(name, f"v{number}", f"v{number}@x.io") for number, name in enumerate(NAMES * 2)]
    world.warehouse.replace(few + loners)
    world.sync()
    world.warehouse.replace(few + loners[12:])

    assert_held(world.sync())
    assert reasons(world) == {"12 of 36 contacts would be left in no audience, more than max_removed_fraction = 0.25"}

    elsewhere: list[Row] = [(VIP, user, email) for _, user, email in loners[:12]]
    world.warehouse.replace(few + loners[12:] + elsewhere)
    assert sync.exit_code(world.sync()) == 0
    assert world.held() == set()


def test_what_leaves_by_a_larger_limit_of_its_own_or_is_retired_is_not_counted(world: World) -> None:
    world.extra = LIMITS + f'[[audiences]]\nname = "{NAMES[0]}"\nmax_removed_fraction = 1.0\n'
    world.warehouse.replace(lists(9, names=NAMES[:3]))
    world.sync()
    world.command("retire", NAMES[1], "--yes")
    world.warehouse.replace(lists(9, names=NAMES[:3])[-3:])

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert world.held() == set()


def test_an_audience_alone_and_all_audiences_are_judged_with_what_still_goes(world: World) -> None:
    """The removals of a list that is held by itself stay, so the others are no part of a large loss."""
    world.extra = LIMITS
    large = members(40, VIP, prefix="v")
    small = lists(9, names=NAMES[:4])
    world.warehouse.replace(large + small)
    world.sync()
    world.warehouse.replace(large[:20] + lists(8, names=NAMES[:4]))

    assert_held(world.sync())
    assert {name for _, name, _ in world.held()} == {"vip_buyers"}


# --- what has passed the guard -----------------------------------------------------------------------------------


def refusing(world: World, *contacts: str) -> None:
    """In words about each of them: else the destination itself is taken to refuse."""

    def answer(request: ReceivedRequest) -> Fault | None:
        refused = [event["traits"]["email"] for event in request.events if event["traits"]["email"] in contacts]
        return Answer(400, body=f"no number {contacts.index(refused[0])}".encode()) if refused else None

    world.receiver.script = answer


def test_contacts_that_were_refused_are_not_judged_as_additions(world: World) -> None:
    """Thirty of forty-five are refused by the first run. They wait, are tried, and wait again."""
    world.extra = LIMITS
    rows = members(45)
    refusing(world, *(str(email) for _, _, email in rows[5:35]))
    world.warehouse.replace(rows)
    assert sync.exit_code(world.sync()) == 8

    for _ in range(4):
        assert sync.exit_code(world.sync()) in (0, 8)
        assert world.held() == set()
    world.warehouse.replace([*rows, *members(5, first=100)])
    assert sync.exit_code(world.sync()) in (0, 8)
    world.warehouse.replace([*rows, *members(5, first=100), *members(5, CHURN)])
    assert sync.exit_code(world.sync()) in (0, 8)
    assert world.held() == set()
    world.receiver.script = None
    world.command("retry")
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth([*rows, *members(5, first=100), *members(5, CHURN)])


def test_what_a_refused_contact_is_to_be_told_beyond_that_is_judged(world: World) -> None:
    world.extra = LIMITS
    rows = members(45)
    refused = rows[5:35]
    refusing(world, *(str(email) for _, _, email in refused))
    world.warehouse.replace([*rows, *members(5, CHURN)])
    world.sync()

    world.warehouse.replace([*rows, *members(5, CHURN), *((CHURN, user, email) for _, user, email in refused)])

    assert_held(world.sync())
    assert {name for _, name, _ in world.held()} == {"churn_risk"}
    assert len(world.held()) == 30


def test_removals_that_were_refused_are_not_judged_again(world: World) -> None:
    world.extra = LIMITS
    world.warehouse.replace(members(40))
    world.sync()
    refusing(world, *(str(email) for _, _, email in members(9)))
    world.warehouse.replace(members(31, first=9))
    assert sync.exit_code(world.sync()) == 8

    world.warehouse.replace(members(24, first=16))

    assert sync.exit_code(world.sync()) == 8
    assert world.held() == set()
