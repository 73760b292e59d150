"""The console in a browser: every page, with and without JavaScript, light, dark and on a phone, by keyboard alone."""

import re
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import Demo, Open
from tests.integration.console.conftest import Served
from tests.integration.console.test_safety import HOSTILE
from tests.world import DEADLINE, VIP, World, until

pytestmark = pytest.mark.browser

PAGES = {
    "Now": "/",
    "Runs": "/runs",
    "Run 6": "/runs/6",
    "Dormant shoppers": "/audiences/dormant_shoppers",
    "Destinations": "/destinations",
    "Person": "/person?who=C000102",
    "Plan": "/plan",
    "Cannot be told": "/lists/skipped?destination=segment",
    "Accepted": "/runs/5/accepted?destination=mailmodo",
}
"""The heading of each page, by which its visitor knows it, and its address."""

REACHABLE = "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']"

FOCUSED = """() => {
    const here = document.activeElement;
    if (here === document.body) return false;
    const outline = getComputedStyle(here).outlineStyle;
    if (!here.dataset.reached && outline === "none") throw new Error("not seen: " + here.outerHTML);
    here.dataset.reached = true;
    return true;
}"""
"""Notes that the keyboard has come to an element, which has to show it; false at the end of the page."""

WATCH = """() => {
    window.same = true;
    window.seen = new Set();
    const look = () => document.querySelectorAll("progress").forEach((bar) => window.seen.add(bar.value));
    new MutationObserver(look).observe(document.querySelector("main"), {childList: true, subtree: true});
    look();
}"""
"""Notes how far a progress bar is, each time that the page changes; all is lost if it is loaded anew."""

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()


def findings(page: Page) -> list[str]:
    """What axe finds wrong with a page."""
    page.evaluate(AXE)
    violations = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['html'][:120]}" for each in violations for node in each["nodes"]]


def words(page: Page) -> str:
    """What is written on a page, without the time at which it was made."""
    text = page.locator("main").inner_text()
    return re.sub(r"as of [-\d]+ [:\d]+|\s+", " ", text).strip()


@pytest.mark.parametrize("heading", PAGES)
def test_a_page_is_complete_without_scripts_and_axe_finds_nothing(heading: str, demo: Demo, open_page: Open) -> None:
    address = demo.console + PAGES[heading]
    page, plain = open_page(), open_page(script=False)
    for each in (page, plain):
        each.goto(address)
        expect(each.get_by_role("heading", level=1)).to_contain_text(heading)
    assert words(page) == words(plain)
    assert findings(page) == []


def test_what_is_not_there_is_said_on_a_page(demo: Demo, open_page: Open) -> None:
    page = open_page(silent=True)
    page.goto(demo.console + "/runs/99")
    expect(page.get_by_role("alert")).to_have_text("there is no such run")
    assert findings(page) == []


@pytest.mark.parametrize("heading", ["Now", "Runs", "Run 6", "Dormant shoppers", "Destinations", "Person"])
def test_a_page_in_the_dark_and_on_a_phone(heading: str, demo: Demo, open_page: Open) -> None:
    page = open_page(dark=True, phone=True)
    page.goto(demo.console + PAGES[heading])
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page itself scrolls sideways"
    )


def test_hostile_texts_stay_in_their_places(world: World, served: Served, open_page: Open) -> None:
    world.warehouse.replace([(HOSTILE[:60], HOSTILE[:40], "ada@example.com")])
    world.sync()
    with world.state() as connection:
        connection.execute(
            "INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status)"
            " SELECT run_id, destination_id, page, contact, part, 'failed', %s, 400 FROM sync_change",
            [HOSTILE],
        )
    console = str(served(world).base_url)
    page = open_page(phone=True)
    for path in ("/", "/runs/1", "/runs/1/refused?destination=segment", "/lists/members?destination=segment"):
        page.goto(console + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert page.locator("main script").count() == 0


@pytest.mark.parametrize("heading", ["Runs", "Run 6", "Person"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(heading: str, demo: Demo, open_page: Open) -> None:
    page = open_page()
    page.goto(demo.console + PAGES[heading])
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("To the content")
    count = page.locator(REACHABLE).count()
    while page.evaluate(FOCUSED):
        page.keyboard.press("Tab")
    assert page.locator("[data-reached]").count() >= count
    assert page.locator(REACHABLE).and_(page.locator(":not([data-reached])")).all_inner_texts() == []


def test_numbers_lead_to_people_and_back(demo: Demo, open_page: Open) -> None:
    page = open_page()
    page.goto(demo.console + "/runs/5")
    card = page.get_by_role("region", name="segment", exact=True)
    number = card.locator("li", has_text="Accepted").get_by_role("link")
    count = int(number.inner_text().replace(",", ""))
    number.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Accepted")
    assert page.locator("tbody tr").count() == 50
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="First page")).to_be_visible()
    assert count > page.locator("tbody tr").count() == 50
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_label("Status").select_option("held")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "status=held" in page.url


@pytest.mark.parametrize("script", [True, False])
def test_a_plan_and_a_person_are_asked_by_a_click(script: bool, demo: Demo, open_page: Open) -> None:
    page = open_page(script=script)
    page.goto(demo.console + "/plan")
    page.get_by_role("button", name=re.compile("Make")).click()
    expect(page.get_by_role("heading", name="segment")).to_be_visible(timeout=DEADLINE * 1000)
    page.get_by_text("The first request, byte by byte").first.click()
    if script:
        assert findings(page) == []

    page.goto(demo.console + "/person?who=C000102")
    page.get_by_role("button", name="Ask the warehouse").click()
    expect(page.get_by_text("Can be told")).to_be_visible(timeout=DEADLINE * 1000)


def test_a_run_in_progress_is_shown_live(world: World, served: Served, open_page: Open) -> None:
    world.destination_extra = "max_events_per_second = 150"
    world.warehouse.replace([(VIP, f"u{n}", f"user{n}@example.com") for n in range(1000)])
    console = str(served(world).base_url)
    page = open_page()
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(world.sync)
        until(lambda: run.done() or world.query("SELECT FROM run WHERE phase = 'planned'"))
        page.goto(console)
        page.evaluate(WATCH)
        expect(page.get_by_role("progressbar")).to_have_count(1)
        page.locator("#running").focus()
        until(lambda: page.evaluate("window.seen.size") >= 2)
        assert page.evaluate("document.activeElement.id") == "running", "the keyboard lost its place"
        run.result(DEADLINE)
    expect(page.get_by_role("progressbar")).to_have_count(0, timeout=DEADLINE * 1000)
    expect(page.locator(".flow .good strong")).to_have_text("1,000", timeout=DEADLINE * 1000)

    assert page.evaluate("window.same"), "the page was loaded anew"
