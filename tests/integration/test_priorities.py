"""Of the audiences of a priority a person is in the first only, and no moment shows two of them true."""

from collections import defaultdict

import pytest

from syncer import errors
from syncer.receivers.loopback import Answer
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, assert_held, calls, named_members, told

WINBACK = "Winback"
FIRST = f'[[priority]]\nname = "life"\naudiences = ["{VIP}", "churn_risk", "{WINBACK}"]\n'


def both(world: World) -> list[str]:
    """The moments at which a contact was told true of two of them."""
    by_user, found = "user_id" in world.destination_extra, []
    belief: defaultdict[str, set[str]] = defaultdict(set)
    for user, values in calls(world):
        contact = user if by_user else values["email"]
        for name in values.keys() - {"email"}:
            (belief[contact].add if values[name] else belief[contact].discard)(name)
        found += [contact] if len(belief[contact]) > 1 else []
    return found


@pytest.fixture(autouse=True)
def _priority(world: World) -> None:
    world.extra = FIRST


def everywhere(*names: str, audiences: tuple[str, ...] = (WINBACK, CHURN, VIP)) -> list[Row]:
    return [row for audience in audiences for row in named_members(*names, audience=audience)]


def test_a_person_is_told_the_first_only(world: World) -> None:
    world.warehouse.replace(everywhere("a") + everywhere("b", audiences=(WINBACK, CHURN)) + everywhere("c")[:1])

    result = world.sync()

    assert set(told(world)) == {
        ("a@x.io", "vip_buyers", True),
        ("b@x.io", "churn_risk", True),
        ("c@x.io", "winback", True),
    }
    assert result.report.destinations[0].skipped == {"outranked": 3}
    assert world.verify().differences == 0
    because = {row["audience"]: row["because"] for row in world.explain("a@x.io").warehouse if row["problem"]}
    assert because == {
        CHURN: f"{VIP} comes first in the priority life",
        WINBACK: f"{VIP} comes first in the priority life",
    }


@pytest.mark.parametrize("mode", ['calls = "combined"', 'identity = "user_id"'])
def test_a_move_is_one_call(world: World, mode: str) -> None:
    world.destination_extra += f"\n{mode}"
    others = everywhere("b", audiences=(WINBACK,)) + everywhere("c", audiences=(VIP,))
    world.warehouse.replace(everywhere("a", audiences=(WINBACK,)) + others)
    world.sync()
    seen = world.receiver.event_count
    world.warehouse.replace(everywhere("a", audiences=(WINBACK, VIP)) + others)

    world.sync()

    assert set(told(world, seen)) == {("a@x.io", "winback", False), ("a@x.io", "vip_buyers", True)}
    assert len(calls(world, seen)) == 1
    assert both(world) == []
    seen = world.receiver.event_count
    world.warehouse.replace(everywhere("a", audiences=(WINBACK,)) + others)
    world.sync()
    assert set(told(world, seen)) == {("a@x.io", "vip_buyers", False), ("a@x.io", "winback", True)}
    assert both(world) == []


def test_a_move_with_a_call_for_each_audience_is_false_a_run_before_true(world: World) -> None:
    """The destination may refuse one of them alone: here the false, once."""
    world.destination_extra += '\ncalls = "per_audience"'
    others = everywhere("b", audiences=(WINBACK,)) + everywhere("c", audiences=(VIP,))
    world.warehouse.replace(everywhere("a", audiences=(WINBACK,)) + others)
    world.sync()
    world.warehouse.replace(everywhere("a", audiences=(WINBACK, VIP)) + others)

    def refuse(request: ReceivedRequest) -> Answer | None:
        says_false = any(False in event["traits"].values() for event in request.events)
        return Answer(400, body=b'{"message":"not this one"}') if says_false else None

    world.receiver.script = refuse
    world.sync()
    assert ("a@x.io", "winback") in world.believed()
    world.receiver.script = None
    assert world.sync().report.deferred == 1
    assert [(each["property"], each["waits"]) for each in world.explain("a@x.io").destinations[0]["pending"]] == [
        ("vip_buyers", "deferred")
    ]
    assert world.verify().differences == 0
    assert world.sync().report.deferred == 0
    assert ("a@x.io", "vip_buyers") in world.believed()
    assert both(world) == []


@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_by_user_and_by_contact(world: World, identity: str) -> None:
    """u is in one at each of two addresses; v shares u's second address, and is nobody else's neighbour."""
    world.destination_extra += f'\nidentity = "{identity}"'
    world.warehouse.replace([(VIP, "u", "a@x.io"), (CHURN, "u", "b@x.io"), (WINBACK, "v", "b@x.io")])
    world.sync()

    assert {(user, *values) for user, values in calls(world)} == {
        ("u", "email", "vip_buyers"),
        ("v", "email", "winback"),
    }
    world.warehouse.replace([(VIP, "u", None), (CHURN, "w", "a@x.io"), (CHURN, "u", "c@x.io")])
    world.sync()
    assert both(world) == []


def test_a_true_waits_while_the_false_of_another_is_held(world: World) -> None:
    world.extra = GUARD_FROM_TWO + FIRST
    names = [f"p{number}" for number in range(8)]
    world.warehouse.replace(everywhere(*names, audiences=(VIP,)))
    world.sync()
    world.warehouse.replace(everywhere("p0", audiences=(VIP,)) + everywhere(*names[1:], audiences=(CHURN,)))

    held = world.sync()

    assert_held(held)
    assert world.believed() == {(f"{name}@x.io", "vip_buyers") for name in names}
    assert held.report.deferred == 7
    pending = {row["property"]: row["waits"] for row in world.explain("p1@x.io").destinations[0]["pending"]}
    assert pending == {"vip_buyers": "held", "churn_risk": "deferred"}
    world.approve(held.report.run_id)
    world.sync()
    assert world.believed() == {("p0@x.io", "vip_buyers"), *((f"{name}@x.io", "churn_risk") for name in names[1:])}
    assert both(world) == []


@pytest.mark.parametrize("how", ["pause", "audience", "retire"])
def test_a_true_waits_while_the_other_is_not_told(world: World, how: str) -> None:
    world.destination_extra += '\ncalls = "per_audience"'
    other = everywhere("b", audiences=(VIP,))
    world.warehouse.replace(everywhere("a", audiences=(VIP,)) + other)
    world.sync()
    if how == "pause":
        world.pause(VIP)
    elif how == "retire":
        world.command("retire", VIP, "--yes")
    world.warehouse.replace(everywhere("a", audiences=(CHURN,)) + other)

    world.sync(audiences=[CHURN] if how == "audience" else [])

    assert ("a@x.io", "churn_risk") not in world.believed()
    world.resume(*[VIP] if how == "pause" else [])
    world.sync()
    world.sync()  # the false was accepted in the one before
    assert world.believed() - {("b@x.io", "vip_buyers")} == {("a@x.io", "churn_risk")}
    assert both(world) == []


def test_who_moves_to_another_address_too_is_told_after_the_old_one(world: World) -> None:
    other = everywhere("b", audiences=(VIP,)) + everywhere("c", audiences=(CHURN,))
    world.warehouse.replace([(VIP, "u", "old@x.io"), *other])
    world.sync()
    world.warehouse.replace([(CHURN, "u", "new@x.io"), *other])

    first = world.sync()

    assert ("old@x.io", "vip_buyers") not in world.believed()
    assert (first.report.deferred, ("new@x.io", "churn_risk") in world.believed()) == (1, False)
    assert world.verify().differences == 0
    assert world.sync().report.deferred == 0
    assert ("new@x.io", "churn_risk") in world.believed()


def test_who_is_held_out_of_the_first_is_in_none(world: World) -> None:
    world.extra += f'[[audiences]]\nname = "{VIP}"\nholdout = 1.0\n'
    world.warehouse.replace(everywhere("a") + everywhere("b", audiences=(CHURN,)))

    result = world.sync()

    assert told(world) == [("b@x.io", "churn_risk", True)]
    assert result.report.destinations[0].skipped == {"held_out": 1, "outranked": 2}


def test_an_audience_has_one_place(world: World) -> None:
    world.extra = FIRST + '[[priority]]\nname = "life"\naudiences = ["winback"]\n'

    with pytest.raises(errors.ConfigError) as raised:
        world.sync()

    found = {problem.path: problem.message for problem in raised.value.problems}
    assert found == {
        "priority[1].name": "is the same as that of priority[0]; choose another",
        "priority[1].audiences": "needs two audiences or more, the first one first",
        "priority[1].audiences[0]": (
            "is the same as priority[0].audiences[2]; an audience has one place, in one priority"
        ),
    }


def test_a_name_that_is_set_aside_comes_first_all_the_same(world: World) -> None:
    """Two names claim one property: whose rows are set aside are told nothing, and nothing that comes after it."""
    world.warehouse.replace(everywhere("a", audiences=(VIP,)) + everywhere("b", audiences=("vip  buyers", CHURN)))

    world.sync()

    assert told(world) == []
    world.warehouse.replace(everywhere("a", audiences=(VIP,)) + everywhere("b", audiences=(VIP, CHURN)))
    world.sync()
    assert world.believed() == {("a@x.io", "vip_buyers"), ("b@x.io", "vip_buyers")}


def test_a_computed_trait_has_no_place(world: World) -> None:
    query = "SELECT 'u-a' AS user_id, 'a@x.io' AS email, 3 AS value"
    world.extra = '[[priority]]\nname = "life"\naudiences = ["score", "churn_risk"]\n'
    world.extra += f'[[computed_traits]]\nname = "Score"\nquery = "{query}"\n'
    world.warehouse.replace(everywhere("b", audiences=(CHURN,)))
    world.sync()
    world.warehouse.replace(everywhere("a", "b", audiences=(CHURN,)))

    assert world.sync().report.deferred == 0

    assert ("a@x.io", "churn_risk") in world.believed()


def test_a_name_of_which_nothing_is_left_for_a_property_is_no_other(world: World) -> None:
    """Neither has a letter that ASCII knows: the one that is meant has its property from the configuration."""
    world.extra = '[[audiences]]\nname = "客户"\nproperty = "kunden"\n'
    world.extra += '[[priority]]\nname = "life"\naudiences = ["客户", "churn_risk"]\n'
    world.warehouse.replace(everywhere("a", audiences=("日本", CHURN)) + everywhere("b", audiences=("客户", CHURN)))

    world.sync()

    assert set(told(world)) == {("a@x.io", "churn_risk", True), ("b@x.io", "kunden", True)}
