"""Audiences that are retired, reopened and renamed (rules 2 and 24)."""

from collections.abc import Callable

import pytest

from syncer import control, errors, sync
from syncer.models import Status
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment import ReceivedRequest
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World, members, truth


def retire(world: World, name: str = VIP) -> bool:
    with world.state() as state:
        return control.retire(state, name)


# --- retired -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [VIP, "vip_buyers"])
def test_everyone_in_a_retired_audience_is_told_false_past_the_guard(world: World, named: str) -> None:
    world.extra = GUARD_FROM_TWO
    rows = members(300) + members(3, CHURN)
    world.warehouse.replace(rows)
    world.sync()
    assert retire(world, named)
    assert not retire(world, named)
    world.warehouse.replace(rows + members(5, first=300))  # its rows are ignored from then on

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert {each.name: (each.added, each.removed, each.held) for each in result.report.audiences} == {
        VIP: (0, 300, 0),
        CHURN: (0, 0, 0),
    }
    assert world.believed() == truth(members(3, CHURN))
    assert "u0304@x.io" not in world.receiver.belief
    assert all(world.receiver.belief[row[2] or ""]["vip_buyers"] is False for row in members(300))
    assert world.sync().report.destinations[0].planned == 0
    assert world.verify().differences == 0


@pytest.mark.parametrize("gone", [True, False], ids=["without rows", "with rows"])
def test_held_and_uncertain_contacts_of_a_retired_audience_are_told_false(world: World, gone: bool) -> None:
    world.extra = GUARD_FROM_TWO
    stay = members(1, CHURN)
    world.warehouse.replace(members(8) + stay)
    world.sync()
    world.warehouse.replace(members(10) + stay)
    world.receiver.script = lambda request: Reset(apply=EVERYTHING)
    world.sync()  # u8 and u9 are uncertain
    world.receiver.script = None
    world.warehouse.replace(stay)
    assert sync.exit_code(world.sync()) == 5
    retire(world)
    world.warehouse.replace(stay if gone else members(10) + stay)

    assert sync.exit_code(world.sync()) == 0

    assert world.believed() == truth(stay)
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]
    assert world.verify().differences == 0


def test_a_row_that_names_no_audience_keeps_nobody_in_a_retired_one(world: World) -> None:
    world.warehouse.replace(members(2) + members(2, CHURN))
    world.sync()
    retire(world)
    world.warehouse.replace([*members(2), *members(2, CHURN), (None, "u0000", "u0000@x.io")])

    world.sync()

    assert world.believed() == truth(members(2, CHURN))


def test_a_retired_audience_is_told_last(world: World) -> None:
    """Removals, additions, and only then the retirement: a large one delays no other."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace(members(5) + members(2, CHURN, first=7))
    world.sync()
    retire(world)
    world.warehouse.replace(members(1, CHURN, first=8) + members(1, CHURN, first=9))
    before = world.receiver.event_count

    world.sync()

    told = [each.event["traits"] for each in world.receiver.events[before:]]
    assert [(one["email"], one.get("churn_risk")) for one in told] == [
        ("u0007@x.io", False),
        ("u0009@x.io", True),
        *((f"u000{number}@x.io", None) for number in range(5)),
    ]


@pytest.mark.parametrize("configured", [True, False], ids=["by the configuration", "by rows"])
def test_the_property_of_a_retired_audience_is_closed(world: World, configured: bool) -> None:
    world.warehouse.replace(members(2) + members(1, CHURN))
    world.sync()
    retire(world)
    world.sync()
    world.warehouse.replace(members(2) + members(2, "vip  buyers") + members(1, CHURN))
    if configured:
        world.extra = '[[audiences]]\nname = "New VIPs"\nproperty = "vip_buyers"'
        with pytest.raises(errors.ConfigError) as refused:
            world.sync()
        assert "retired" in str(refused.value)
        assert world.query("SELECT count(*) FROM run") == [(2,)]
        return

    result = world.sync()

    assert (result.report.status, sync.exit_code(result)) == (Status.INCOMPLETE, 8)
    problems = {each.name: each.problem for each in result.report.audiences if each.problem}
    assert list(problems) == ["vip  buyers"]
    assert "retired" in (problems["vip  buyers"] or "")
    assert world.believed() == truth(members(1, CHURN))
    assert world.query("SELECT name FROM audience ORDER BY 1") == [(CHURN,), (VIP,)]


@pytest.mark.parametrize("told", [True, False], ids=["after everybody was told", "before a run"])
def test_a_reopened_audience_begins_with_an_initial_sync(world: World, told: bool) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4))
    world.sync()
    retire(world)
    if told:
        world.sync()
        assert world.believed() == set()
    assert world.resume("vip_buyers") == 1
    world.warehouse.replace(members(9))  # as growth it would be held

    result = world.sync()

    assert sync.exit_code(result) == 0
    assert result.report.audiences[0].initial
    assert result.report.audiences[0].added == (9 if told else 5)
    assert world.believed() == truth(members(9))
    assert not world.sync().report.audiences[0].initial
    assert world.verify().differences == 0


def test_nobody_can_retire_what_was_never_synced(world: World) -> None:
    with pytest.raises(errors.ConfigError):
        retire(world)


@pytest.mark.parametrize("answer", [lambda request: Answer(401), lambda request: Reset(apply=0)])
def test_a_retirement_that_breaks_off_goes_on(
    world: World, answer: Callable[[ReceivedRequest], Answer | Reset]
) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(8))
    world.sync()
    retire(world)
    world.receiver.script = answer
    world.sync()
    world.receiver.script = None
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == set()


# --- renamed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("configured", [True, False])
def test_a_rename_that_keeps_the_property_keeps_the_state(world: World, configured: bool) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4))
    world.sync()
    name = "The best of them" if configured else "vip-BUYERS"
    if configured:
        world.extra = GUARD_FROM_TWO + f'[[audiences]]\nname = "{name}"\nproperty = "vip_buyers"'
    world.warehouse.replace(members(5, name))

    result = world.sync()

    (audience,) = result.report.audiences
    assert (audience.name, audience.property, audience.added, audience.removed) == (name, "vip_buyers", 1, 0)
    assert not audience.initial
    assert world.believed() == truth(members(5))
    assert world.query("SELECT name, property FROM audience") == [(name, "vip_buyers")]
    assert world.verify().differences == 0


def test_a_run_of_one_audience_may_take_the_property_of_another_that_was_never_sent(world: World) -> None:
    world.warehouse.replace(members(1))
    world.extra = (
        '[[audiences]]\nname = "A"\nproperty = "first_key"\n[[audiences]]\nname = "B"\nproperty = "second_key"\n'
    )
    world.sync()
    world.extra = (
        '[[audiences]]\nname = "A"\nproperty = "second_key"\n[[audiences]]\nname = "B"\nproperty = "first_key"\n'
    )
    world.warehouse.replace(members(1) + members(1, "B"))

    assert sync.exit_code(world.sync(audiences=["B"])) == 0

    assert world.believed() == truth(members(1)) | {("u0000@x.io", "first_key")}
    world.warehouse.replace(members(1, VIP, "A", "B"))
    assert sync.exit_code(world.sync()) == 0
    assert ("u0000@x.io", "second_key") in world.believed()


def test_what_was_sent_as_a_computed_trait_never_becomes_an_audience_under_another_name(world: World) -> None:
    world.warehouse.run("CREATE TABLE ltv AS SELECT 'u1' AS user_id, 'a@x.io' AS email, 5 AS value")
    trait = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'
    world.extra = trait
    world.warehouse.replace(members(1))
    world.sync()
    world.extra = ""
    world.warehouse.replace(members(1, VIP, "Lifetime-value"))

    result = world.sync()

    assert sync.exit_code(result) == 8
    [problem] = [each.problem for each in result.report.audiences if each.problem]
    assert "it was sent as computed trait first" in problem
    assert world.receiver.belief["a@x.io"]["lifetime_value"] == 5


def test_an_audience_may_become_a_computed_trait_that_was_never_sent(world: World) -> None:
    world.extra = '[[audiences]]\nname = "Lifetime value"'
    world.warehouse.replace(members(1))
    world.sync()
    world.warehouse.run("CREATE TABLE ltv AS SELECT 'u1' AS user_id, 'a@x.io' AS email, 5 AS value")
    world.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"\non_missing = "null"'

    assert sync.exit_code(world.sync()) == 0

    assert world.receiver.belief["a@x.io"]["lifetime_value"] == 5
    assert world.query("SELECT is_trait, value_type FROM audience WHERE property = 'lifetime_value'") == [
        (True, "number")
    ]
    assert world.sync().report.destinations[0].planned == 0


def test_a_rename_of_what_is_held_or_paused_keeps_that_too(world: World) -> None:
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(4))
    world.sync()
    world.warehouse.replace(members(1))
    run_id = world.sync().report.run_id or 0
    world.warehouse.replace(members(1, "vip buyers"))
    assert sync.exit_code(world.sync()) == 5
    with world.state() as state:
        assert control.approve(state, run_id) == 3
    world.pause("vip buyers")
    world.warehouse.replace(members(1, "VIP-buyers"))
    world.sync()
    assert world.believed() == truth(members(4))
    assert world.resume("vip_buyers") == 1
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(1))
