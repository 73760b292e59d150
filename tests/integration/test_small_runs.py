"""What a small run does not do: a session that says nothing, a statement about what is not there."""

from collections import Counter

import pytest

from tests.points import Points
from tests.world import VIP, World, members


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Points:
    return Points(monkeypatch)


def statements(world: World, points: Points) -> list[str]:
    """The statements of a run that succeeds."""
    points.watch(None, lambda: None)
    assert world.sync().report.status == "succeeded"
    points.rest()
    return points.seen


def test_a_run_that_changes_nothing_opens_no_session_to_say_so(world: World, points: Points) -> None:
    world.warehouse.replace(members(3))
    assert statements(world, points).count("set_up_session") == 2  # of the run, and of its delivery, which also settles
    assert statements(world, points).count("set_up_session") == 1


def test_a_run_is_closed_by_the_steps_that_are_about_something(world: World, points: Points) -> None:
    about_some = {"lose_sending_pages", "count_unanswered", "record_refusals", "clear_refusals", "settle_holds"}
    world.warehouse.replace(members(3))
    seen = set(statements(world, points))
    assert "tally_identifies" in seen
    assert not about_some & seen
    seen = set(statements(world, points))
    assert not (about_some | {"tally_identifies", "tally_changes", "adjust_counts"}) & seen
    world.warehouse.replace(members(2, VIP))
    assert "mark_users_elsewhere" in statements(world, points)


def test_a_plan_asks_about_what_there_is(world: World, points: Points) -> None:
    what_stands = {"add_uncertain", "hold_back_refused", "refresh_held_gone", "finish_resyncs", "mark_still_named"}
    of_changes = {"gather_known", "fold_changes", "name_callers", "find_followers", "order_identifies", "write_changes"}
    world.warehouse.replace(members(3))
    assert not what_stands & set(statements(world, points))
    assert not (what_stands | of_changes) & set(statements(world, points))
    world.warehouse.replace([*members(2), (VIP, "u9", None)])
    seen = set(statements(world, points))
    assert seen >= of_changes | {"mark_still_named"}
    world.warehouse.replace(members(2))
    assert "refresh_skipped_gone" in statements(world, points)


def test_no_statement_is_run_for_each_audience(world: World, points: Points) -> None:
    names = [f"Audience {number}" for number in range(30)]
    for people in (2, 3, 1):  # a first sync, additions, removals
        world.warehouse.replace([row for name in names for row in members(people, name)])
        times = Counter(statements(world, points))
        assert not {name: number for name, number in times.items() if number >= len(names)}


def test_of_those_who_left_nobody_is_taken_for_a_member_at_another_contact(world: World) -> None:
    """Each of them would be looked for in every later run."""
    for people in (3, 2):
        world.warehouse.replace(members(people))
        world.sync()
    assert world.query("SELECT is_back FROM user_told_false") == [(False,)]
