"""A real browser, which complains of every error that a page gives it, and consoles for it to look at."""

import re
import shutil
import signal
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests import commands
from tests.integration.console.conftest import served

__all__ = ["Demo", "Open", "browser", "demo", "left", "open_page", "served"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync"
).split()
LOUD = ("error", "warning")
WIDE, PHONE = {"width": 1240, "height": 900}, {"width": 390, "height": 844}

Open = Callable[..., Page]
"""Opens a page of its own: `script` false is a browser without JavaScript, `dark` one that likes it so."""


class Kind(NamedTuple):
    """Of a page: what its browser can and likes."""

    script: bool
    dark: bool
    phone: bool

    def open(self, browser: Browser) -> Page:
        """A new one."""
        context = browser.new_context(
            java_script_enabled=self.script,
            color_scheme="dark" if self.dark else "light",
            viewport=PHONE if self.phone else WIDE,  # type: ignore[arg-type]
        )
        return context.new_page()


@dataclass(frozen=True)
class Demo:
    """A demo that stays: its folder, and where its console is."""

    folder: Path
    console: str


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def left(browser: Browser) -> defaultdict[Kind, list[Page]]:
    """The pages that a test is done with, for the next one: a new one is a new process. They keep nothing, as the
    console sets no cookie and stores nothing."""
    return defaultdict(list)


@pytest.fixture
def open_page(browser: Browser, left: defaultdict[Kind, list[Page]]) -> Iterator[Open]:
    """At the end there was no error and no violation of the security policy on any page."""
    complaints: list[str] = []
    used: list[tuple[Kind, Page]] = []
    with ExitStack() as stack:

        def listen(page: Page, event: str, complain: Callable[[Any], None]) -> None:
            page.on(event, complain)  # type: ignore[call-overload]
            stack.callback(page.remove_listener, event, complain)

        def open_one(*, script: bool = True, dark: bool = False, phone: bool = False, silent: bool = False) -> Page:
            kind = Kind(script, dark, phone)
            page = left[kind].pop() if left[kind] else kind.open(browser)
            used.append((kind, page))
            if not silent:  # a browser complains of a page that is not there, too
                listen(page, "console", lambda said: complaints.append(said.text) if said.type in LOUD else None)
            listen(page, "pageerror", lambda error: complaints.append(str(error)))
            listen(page, "requestfailed", lambda request: complaints.extend(_failures(request)))
            stack.callback(page.title)  # before that is taken back: what is on its way has arrived then
            return page

        yield open_one
    for kind, page in used:
        page.goto("about:blank")
        assert page.context.cookies() == []
        left[kind].append(page)
    assert not complaints, complaints


def _failures(request: Request) -> list[str]:
    """Nothing, if it is for the icon, which is asked for once a page is complete, and given up where that is left."""
    is_given_up = "/static/icon." in request.url and request.failure == "net::ERR_ABORTED"
    return [] if is_given_up else [f"{request.url}: {request.failure}"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The shop of `syncer demo --stay`, all of it."""
    folder = tmp_path_factory.mktemp("demo")
    process = commands.start(["demo", "--folder", str(folder / "shop"), "--stay", "--listen", "127.0.0.1:0"])
    watchdog = threading.Timer(commands.TIMEOUT, process.kill)
    watchdog.start()
    try:
        console = _address(process)
        watchdog.cancel()  # how long the tests take is not the demo's
        yield Demo(folder / "shop", console)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=commands.TIMEOUT)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def _address(process: "subprocess.Popen[Any]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+:\d+", line):
            return found[0]
    pytest.fail("the demo ended without saying where its console is")
