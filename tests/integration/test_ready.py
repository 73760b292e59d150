"""A warehouse that does not say that it is ready holds the whole run."""

import pytest

from syncer import sync
from tests.world import World, assert_held, members, truth

READY = [
    pytest.param("SELECT true", True, id="true"),
    pytest.param("SELECT 1", True, id="1"),
    pytest.param("SELECT false", False, id="false"),
    pytest.param("SELECT 0", False, id="0"),
    pytest.param("SELECT 2", False, id="2"),
    pytest.param("SELECT NULL::boolean", False, id="null"),
    pytest.param("SELECT 'true'", False, id="text"),
    pytest.param("SELECT true WHERE false", False, id="no row"),
    pytest.param("SELECT true UNION ALL SELECT false", False, id="two rows"),
    pytest.param("SELECT true, true", False, id="two columns"),
    pytest.param("SELECT 1 / 0 = 1", False, id="an error"),
    pytest.param("SELECT ready FROM nowhere", False, id="no table"),
    pytest.param("SELEC", False, id="no SQL"),
    pytest.param("SELECT true; DELETE FROM members", False, id="two statements"),
]


@pytest.mark.parametrize(("question", "ready"), READY)
def test_a_warehouse_that_does_not_say_that_it_is_ready_holds_the_whole_run(
    world: World, question: str, ready: bool
) -> None:
    _ask(world, question, ready=ready)


@pytest.mark.parametrize(("question", "ready"), READY[2:3] + READY[7:11])
def test_it_is_asked_in_the_one_database_too(world_in_one_database: World, question: str, ready: bool) -> None:
    _ask(world_in_one_database, question, ready=ready)


def _ask(world: World, question: str, *, ready: bool) -> None:
    world.warehouse.replace(members(2))
    world.extra = f'[guard]\nready = "{question}"'

    result = world.sync()

    if ready:
        assert sync.exit_code(result) == 0
        assert world.believed() == truth(members(2))
        return
    assert_held(result)
    assert "held" in (result.report.error or "")
    assert world.receiver.requests == []
    assert world.query("SELECT count(*) FROM sync_change") == [(0,)]
    assert world.query("SELECT count(*) FROM held_change") == [(0,)]
    assert result.report.destinations[0].planned == 0
    assert list(world.query("SELECT status FROM sync_runs")) == [("held",)]
    assert_held(world.sync())

    world.extra = '[guard]\nready = "SELECT count(*) = 2 FROM members"'  # and the next run asks again
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == truth(members(2))
    assert world.verify().differences == 0
