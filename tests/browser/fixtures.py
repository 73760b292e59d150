"""A real browser, which complains of every error that a page gives it, and consoles for it to look at."""

import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import commands
from tests.integration.console.conftest import served

__all__ = ["Demo", "Open", "browser", "demo", "open_page", "served"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync"
).split()
LOUD = ("error", "warning")
WIDE, PHONE = {"width": 1240, "height": 900}, {"width": 390, "height": 844}

Open = Callable[..., Page]
"""Opens a page of its own: `script` false is a browser without JavaScript, `dark` one that likes it so."""


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


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """At the end there was no error and no violation of the security policy on any page."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def open_one(*, script: bool = True, dark: bool = False, phone: bool = False, silent: bool = False) -> Page:
            context = browser.new_context(
                java_script_enabled=script,
                color_scheme="dark" if dark else "light",
                viewport=PHONE if phone else WIDE,  # type: ignore[arg-type]
            )
            stack.callback(context.close)
            page = context.new_page()
            if not silent:  # a browser complains of a page that is not there, too
                page.on("console", lambda said: complaints.append(said.text) if said.type in LOUD else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
            return page

        yield open_one
    assert not complaints, complaints


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The shop of `syncer demo --stay`, all of it."""
    folder = tmp_path_factory.mktemp("demo")
    process = commands.start(["demo", "--folder", str(folder / "shop"), "--stay", "--listen", "127.0.0.1:0"])
    watchdog = threading.Timer(commands.TIMEOUT, process.kill)
    watchdog.start()
    try:
        yield Demo(folder / "shop", _address(process))
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
