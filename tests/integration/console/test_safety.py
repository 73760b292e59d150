"""The console shows what others wrote, and is asked by whoever can: neither does any harm."""

import re

import psycopg
import pytest

from syncer import app, opening, web
from syncer.console import doing
from syncer.console.site import Console
from syncer.daemon import health
from syncer.web import Lane, Request, Work
from tests.integration.console.conftest import GUARDED, TOKEN, Served, sent
from tests.world import World

HOSTILE = "<script>alert(1)</script>'\"&amp;\x1b]0;x\x07\u202e" + "x" * 10_000


def test_hostile_names_are_shown_as_text(world: World, served: Served) -> None:
    world.warehouse.replace(
        [(HOSTILE[:60], HOSTILE[:40], "ada@example.com"), ("VIP Buyers", HOSTILE[:40], "b@example.com")]
    )
    world.sync()
    console = served(world)
    paths = ["/", "/runs", "/runs/1", "/destinations", "/plan", "/person?who=" + HOSTILE[:20].replace("&", "%26")]
    paths += ["/lists/members?destination=segment", "/runs/1/accepted?destination=segment&audience=" + HOSTILE[:20]]
    sent(console, "/plan")
    with world.state() as connection:
        properties = [row[0] for row in connection.execute("SELECT property FROM audience")]
    for path in [*paths, *(f"/audiences/{name}" for name in properties)]:
        answer = console.get(path)
        assert answer.status_code == 200, answer.text
        assert "<script>" not in answer.text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", answer.text)


def test_addresses_are_masked(world: World, served: Served) -> None:
    world.warehouse.replace([("VIP Buyers", "u1", "ada.lovelace@example.com")])
    world.sync()
    console = served(world)
    for path in ("/person?who=u1", "/person.json?who=u1", "/runs/1", "/runs/1.json"):
        text = console.get(path).text
        assert "ada.lovelace" not in text
    assert "a***@e***" in console.get("/person?who=u1").text


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_kept(world: World, served: Served) -> None:
    console = served(world)
    page = console.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    assert (page.headers["cache-control"], page.headers["x-content-type-options"]) == ("no-store", "nosniff")
    files = re.findall(r'(?:<link [^>]*href|<script src|<img src)="([^"]+)"', page.text)
    assert len({path.rpartition(".")[2] for path in files}) == 3
    for path in files:
        assert re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{16}\.[a-z]+", path)
        assert console.get(path).headers["cache-control"].endswith("immutable")
    assert not re.search(r"https?://|<script>|<style|style=|\son[a-z]+=", page.text)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9465", 200),
        ("127.0.0.1", 200),
        ("[::1]:9465", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
    ],
)
def test_a_name_that_was_made_to_point_here_is_no_name_of_ours(
    host: str, status: int, world: World, served: Served
) -> None:
    assert served(world).get("/now.json", headers={"Host": host}).status_code == status


def test_a_page_changes_nothing_and_leaves_no_session(world: World, served: Served) -> None:
    world.warehouse.replace([("VIP Buyers", "u1", "ada@example.com")])
    world.sync()
    console = served(world)
    for path in ("/", "/runs", "/runs/1", "/person?who=u1", "/destinations", "/audiences/vip_buyers"):
        assert console.get(path).status_code == 200
    with psycopg.connect(world.state_url) as connection:
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'syncer console' AND state <> 'idle'"
        assert connection.execute(sessions).fetchone() == (0,)


def test_a_state_that_is_away_is_said(world: World, served: Served) -> None:
    console = served(world)
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute("ALTER SCHEMA syncer RENAME TO elsewhere")
        try:
            answers = [console.get(path) for path in ("/", "/now.json")]
        finally:
            connection.execute("ALTER SCHEMA elsewhere RENAME TO syncer")
    for answer in answers:
        assert answer.status_code == 503
        assert "syncer migrate" in answer.text


@pytest.mark.parametrize("listen", ["0.0.0.0:9465", "[::]:9465", "10.1.2.3:9465", "example.com:80"])
def test_no_other_machine_is_let_in_without_a_token(listen: str, world: World) -> None:
    done = world.command("console", "--listen", listen)
    assert done.returncode == 2
    assert f"--listen: '{listen}' is no address of this machine's own, and there is no `console.token`" in done.stderr


@pytest.mark.parametrize("listen", ["9465", ":9465", "127.0.0.1:99999", "127.0.0.1:x", "127.0.0.1:" + "9" * 5000])
def test_where_to_listen_is_an_address(listen: str, world: World) -> None:
    done = world.command("console", "--listen", listen)
    assert done.returncode == 2
    assert f"--listen: '{listen}' is no host and port" in done.stderr


def test_who_only_looks_takes_no_thread_of_those_who_act_or_scrape(world: World) -> None:
    world.extra = GUARDED
    with app.opened(opening.load(world.config, {})) as opened:
        site = Console(opened)

        def lane(path: str, method: str = "GET", body: bytes = b"", **given: str) -> Lane:
            page = site.page(path)
            assert page is not None
            headers = {"host": "localhost", "sec-fetch-site": "same-origin", **given}
            work = page.answer(Request(path, {"wait": ["9"]} if "wait" in given else {}, method, headers, body))
            assert isinstance(work, Work), work
            return work.lane

        looks = {lane(path) for path in ("", "/runs.json", "/actions/sync", "/actions/pause.json", "/api/runs/1")}
        asked = lane("/api/runs", "POST", authorization=f"Bearer {TOKEN}")
        form = f"token={TOKEN}&digest=0".encode()
        posted = lane("/actions/sync", "POST", form, **{"content-type": "application/x-www-form-urlencoded"})
        waits = lane("/api/runs/1", wait="9", authorization=f"Bearer {TOKEN}")

    assert looks == {doing.PAGES}
    assert asked == posted == doing.ACTIONS
    assert len({doing.PAGES, doing.ACTIONS, waits, health.SCRAPES}) == 4
    places = sum(each.places for each in (doing.PAGES, doing.ACTIONS, health.SCRAPES)) + web.LATER_AT_A_TIME
    assert places < web.CONNECTIONS, "what is being made is never dropped, and so must leave room"
