"""A console over a world, asked by HTTP."""

import html
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from syncer import app, opening
from syncer.console.site import Console
from syncer.web import WebServer
from tests.world import DEADLINE, World

Served = Callable[[World], httpx.Client]
"""Serves the console of a world; a client that asks it."""

TOKEN = "correct-horse-battery-staple"
GUARDED = f'[console]\ntoken = "{TOKEN}"\ntoken_name = "ops"\n'
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def sent(console: httpx.Client, path: str, *, origin: str | None = None, **fields: str) -> httpx.Response:
    """A form, sent by a browser that shows a page of this site, or of another one."""
    return console.post(path, data=fields, headers={"Origin": origin or str(console.base_url).rstrip("/")})


def confirmed(console: httpx.Client, path: str, token: str = TOKEN) -> httpx.Response:
    """What somebody gets who opens a confirmation and confirms it."""
    return sent(console, path, token=token, **reviewed(console, path))


def reviewed(console: httpx.Client, path: str) -> dict[str, str]:
    """What the form of a confirmation carries."""
    page = console.get(path)
    assert page.status_code == 200, page.text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in hidden}


@pytest.fixture
def served() -> Iterator[Served]:
    with ExitStack() as stack:

        def serve(world: World) -> httpx.Client:
            opened = stack.enter_context(app.opened(opening.load(world.config, {})))
            site = Console(opened, alone=True)
            stack.callback(site.close)
            server = WebServer("127.0.0.1:0", site.page)
            server.open()
            thread = threading.Thread(target=server.keep)
            thread.start()
            stack.callback(thread.join, DEADLINE)
            stack.callback(server.close)
            return stack.enter_context(httpx.Client(base_url=f"http://{server.address}", timeout=DEADLINE))

        yield serve
