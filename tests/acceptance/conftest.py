"""What several acceptance tests ask for."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir
from syncer.receivers.segment import SegmentReceiver
from tests.acceptance.worlds import EmbeddedWorld
from tests.world import Write


@pytest.fixture
def embedded_world(
    tmp_path: Path, receiver: SegmentReceiver, request: pytest.FixtureRequest
) -> Iterator[EmbeddedWorld]:
    """A state of its own, whose server may be killed, and which leaves none behind."""
    warehouse = Write(request.getfixturevalue("new_database")("template0"))
    world = EmbeddedWorld(tmp_path, warehouse, "", receiver)
    yield world
    if world.data_dir.is_dir() and DataDir(world.data_dir).is_alive():
        with suppress(errors.StateError), embedded.running(world.data_dir):
            pass
