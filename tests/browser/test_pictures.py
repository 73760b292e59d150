"""The pictures of the README: a demo in which one more day has passed, and a model has broken."""

import os
import tomllib
from pathlib import Path

import pytest
from playwright.sync_api import expect

from syncer.demo.shop import entered
from tests import commands
from tests.browser.fixtures import Demo, Open

pytestmark = pytest.mark.browser

SHOWN = {"now": "/", "run": "/runs/8", "audience": "/audiences/dormant_shoppers"}
FOLDER = os.environ.get("SYNCER_SCREENSHOTS")
"""Where the pictures go: SYNCER_SCREENSHOTS=.github makes those of the README anew."""


def test_the_pictures_of_the_readme(demo: Demo, open_page: Open, tmp_path: Path) -> None:
    config = demo.folder / "syncer.toml"
    with entered(tomllib.loads(config.read_text())["warehouse"]["url"]) as shop:
        shop.break_model("First-time shopper")
    assert commands.process(["--config", str(config), "sync"]).returncode == 5

    page = open_page()
    for name, path in SHOWN.items():
        page.goto(demo.console + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.screenshot(path=Path(FOLDER or tmp_path) / f"console_{name}.png")
    page.goto(demo.console)
    expect(page.get_by_text("syncer approve 8")).to_be_visible()
