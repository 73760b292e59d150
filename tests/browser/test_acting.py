"""People act in a browser: from the page to what the receiver believes, and not by mistake or by somebody else."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixtures import Open
from tests.browser.test_pages import findings
from tests.integration.console.conftest import GUARDED, TOKEN, Served
from tests.world import GUARD_FROM_TWO, World, members

pytestmark = pytest.mark.browser


@pytest.fixture
def held(world: World) -> World:
    """Run 2 held four removals."""
    world.extra = GUARD_FROM_TWO + GUARDED
    world.warehouse.replace(members(6))
    world.sync()
    world.warehouse.replace(members(2))
    world.sync()
    return world


def confirm(page: Page, token: str = TOKEN) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Yes").click()


def believed_in(world: World) -> int:
    """How many contacts the receiver believes to be in the audience."""
    return sum(properties.get("vip_buyers") is True for properties in world.receiver.belief.values())


@pytest.mark.parametrize("script", [True, False])
def test_from_the_page_to_what_the_receiver_believes(
    script: bool, held: World, served: Served, open_page: Open
) -> None:
    page = open_page(script=script)
    page.goto(str(served(held).base_url))
    expect(page.get_by_text("held changes that wait for your approval")).to_be_visible()
    page.get_by_role("link", name="Approve just these").click()
    if script:
        assert findings(page) == []
    confirm(page)
    expect(page.get_by_role("status")).to_contain_text("approved 4 changes")
    assert believed_in(held) == 6

    held.sync()

    assert believed_in(held) == 2
    page.get_by_role("link", name="Now", exact=True).first.click()
    expect(page.get_by_text("wait for your approval")).to_have_count(0)


def test_a_wrong_token_does_nothing(held: World, served: Served, open_page: Open) -> None:
    page = open_page(silent=True)
    page.goto(f"{served(held).base_url}/actions/approve?run=2")
    confirm(page, "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == []
    assert held.query("SELECT FROM operator_actions") == []


def test_what_moved_meanwhile_is_shown_and_not_done(held: World, served: Served, open_page: Open) -> None:
    page = open_page(silent=True)
    page.goto(f"{served(held).base_url}/actions/approve?run=2")
    held.warehouse.replace(members(3))
    held.sync()
    confirm(page)
    expect(page.get_by_role("alert")).to_contain_text("moved meanwhile")
    assert held.query("SELECT FROM held_change WHERE approved_at IS NOT NULL") == []


def test_a_form_of_another_site_does_nothing(held: World, served: Served, open_page: Open) -> None:
    """Even with the token: the browser says where the form comes from."""
    console = served(held).base_url
    page = open_page(silent=True)
    given = f'<input name="token" value="{TOKEN}">'
    page.set_content(f'<form method="post" action="{console}/actions/pause">{given}<button>Win</button></form>')
    with page.expect_response("**/actions/pause") as answered:
        page.get_by_role("button", name="Win").click()
    assert answered.value.status == 403
    assert held.query("SELECT FROM pause") == []


def test_addresses_are_shown_to_whoever_gives_the_token(held: World, served: Served, open_page: Open) -> None:
    page = open_page()
    page.goto(f"{served(held).base_url}/lists/held?destination=segment")
    expect(page.locator("tbody")).not_to_contain_text("@x.io")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Show addresses").click()
    expect(page.locator("tbody")).to_contain_text("u0002@x.io")
    page.goto(page.url)
    expect(page.locator("tbody")).not_to_contain_text("@x.io")
