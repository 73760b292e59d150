"""The world that every test of a command begins with."""

import pytest

from tests.acceptance.commands.contract import ROWS
from tests.acceptance.worlds import CarefulWorld, with_password
from tests.world import World


@pytest.fixture
def world(world: World) -> World:
    """The state and the warehouse have a password, and every output is looked at."""
    fields = vars(world) | {"state_url": with_password(world.state_url)}
    careful = CarefulWorld(**fields)
    careful.warehouse.url = with_password(careful.warehouse.url)
    careful.warehouse.replace(ROWS)
    return careful
