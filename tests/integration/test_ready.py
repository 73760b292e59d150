"""A warehouse that does not say that it is ready holds the whole run."""

import pytest

from syncer import sync
from tests.world import World, assert_held, members, truth

NOT_READY = {
    "false": "SELECT false",
    "0": "SELECT 0",
    "2": "SELECT 2",
    "null": "SELECT NULL::boolean",
    "text": "SELECT 'true'",
    "no row": "SELECT true WHERE false",
    "two rows": "SELECT true UNION ALL SELECT false",
    "two columns": "SELECT true, true",
    "an error": "SELECT 1 / 0 = 1",
    "no table": "SELECT ready FROM nowhere",
    "no SQL": "SELEC",
    "two statements": "SELECT true; DELETE FROM members",
}


@pytest.mark.parametrize("question", ["SELECT true", "SELECT 1"])
def test_a_warehouse_that_says_that_it_is_ready_is_read(world: World, question: str) -> None:
    world.warehouse.replace(members(2))
    world.extra = f'[guard]\nready = "{question}"'

    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(2))


@pytest.mark.parametrize("kind", ["world", "world_in_one_database"])
def test_a_warehouse_that_does_not_say_that_it_is_ready_holds_the_whole_run(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Whatever it answers; one run after the other."""
    world: World = request.getfixturevalue(kind)
    world.warehouse.replace(members(2))
    for answer, question in NOT_READY.items():
        world.extra = f'[guard]\nready = "{question}"'
        result = world.sync()
        assert (sync.exit_code(result), result.report.status) == (5, "held"), answer
        assert "held" in (result.report.error or ""), answer
        assert result.report.destinations[0].planned == 0, answer
    assert world.receiver.requests == []
    assert world.query("SELECT count(*) FROM sync_change") == [(0,)]
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    assert world.query("SELECT status FROM sync_runs") == [("held",)] * len(NOT_READY)
    assert_held(world.sync())

    world.extra = '[guard]\nready = "SELECT count(*) = 2 FROM members"'  # and the next run asks again
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(2))
    assert world.verify().differences == 0
