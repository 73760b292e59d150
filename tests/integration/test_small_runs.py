"""What a small run does not do: a session that says nothing, a statement about what is not there."""

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
