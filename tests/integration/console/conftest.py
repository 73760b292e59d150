"""A console over a world, asked by HTTP."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from syncer import app
from syncer.console.site import Console
from syncer.web import WebServer
from tests.world import DEADLINE, World

Served = Callable[[World], httpx.Client]
"""Serves the console of a world; a client that asks it."""


@pytest.fixture
def served() -> Iterator[Served]:
    with ExitStack() as stack:

        def serve(world: World) -> httpx.Client:
            opened = stack.enter_context(app.opened(app.load(world.config, {})))
            server = WebServer("127.0.0.1:0", Console(opened).page)
            server.open()
            thread = threading.Thread(target=server.keep)
            thread.start()
            stack.callback(thread.join, DEADLINE)
            stack.callback(server.close)
            return stack.enter_context(httpx.Client(base_url=f"http://{server.address}", timeout=DEADLINE))

        yield serve
