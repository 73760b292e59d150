"""The browser tests are looked at only where Playwright is installed: `.ci/run browser` installs it."""

from importlib.util import find_spec

if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.browser.fixtures import browser, demo, left, open_page, served  # noqa: F401
