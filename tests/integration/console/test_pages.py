"""What the console's pages say: the same as the commands and the views, and the same as JSON."""

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.integration.console.conftest import Served
from tests.integration.test_retention import age, drop_old
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World, keep_together

PAGES = ("/", "/runs", "/runs/1", "/audiences/vip_buyers", "/person?who=u1", "/destinations")


class _Strict(HTMLParser):
    """Complains of tags that are not closed in order."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "line", "polyline", "polygon"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID and tag not in ("option", "p"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None: ...

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("option", "p"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown(answer: httpx.Response) -> str:
    """The text of a page whose markup is sound."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    parser = _Strict()
    parser.feed(answer.text)
    parser.close()
    assert parser.open == []
    return re.sub(r"\s+", " ", " ".join(parser.text))


def told(world: World) -> None:
    """A first sync, one who leaves, and one audience that is emptied and held."""
    world.extra = GUARD_FROM_TWO
    rows = [(VIP, f"u{n}", f"user{n}@example.com") for n in range(12)]
    rows += [(CHURN, f"u{n}", f"user{n}@example.com") for n in range(6)]
    world.warehouse.replace([*rows, (VIP, "nobody", None)])
    world.sync()
    world.warehouse.replace(rows[1:12])
    world.sync()


def test_every_page_is_the_same_as_json(world: World, served: Served) -> None:
    told(world)
    console = served(world)
    for path in PAGES:
        page, plain = console.get(path), console.get(path.replace("?", ".json?") if "?" in path else f"{path}.json")
        if path == "/":
            plain = console.get("/now.json")
        assert (page.status_code, plain.status_code) == (200, 200), (path, page.text)
        assert shown(page)
        assert plain.headers["content-type"] == "application/json"
        assert json.loads(plain.text)


def test_what_a_run_did(world: World, served: Served) -> None:
    told(world)
    console = served(world)

    newest, first = console.get("/runs.json").json()["runs"]
    run: dict[str, Any] = console.get("/runs/2.json").json()
    told_in_history = json.loads(world.command("history", "2", "--json").stdout)

    assert (first["added"], first["not_added"], first["removed"]) == (18, 0, 0)
    assert (newest["status"], newest["removed"], newest["not_removed"]) == ("held", 1, 0)
    assert run["report"] == told_in_history
    assert [(each["property"], each["op"], each["contacts"]) for each in run["held"]] == [("churn_risk", "removed", 6)]
    assert "syncer approve 2" in shown(console.get("/runs/2"))


def test_every_page_shows_a_run_that_has_not_counted_its_members(world: World, served: Served) -> None:
    """As of a large first sync, which counts them after its first calls."""
    world.warehouse.replace([(VIP, "u1", "u1@x.io")])
    world.sync()
    with world.state() as state:
        state.execute("UPDATE syncer.run_audience SET members = NULL; UPDATE syncer.run_count SET members = NULL")
        state.execute("UPDATE syncer.run SET contacts = NULL")
    console = served(world)
    for path in PAGES:
        assert console.get(path).status_code == 200, path
    assert console.get("/runs/1.json").json()["report"]["audiences"][0]["members"] is None


def test_the_sizes_of_an_audience_are_drawn(world: World, served: Served) -> None:
    told(world)
    console = served(world)

    found = console.get("/audiences/vip_buyers.json").json()
    page = console.get("/audiences/vip_buyers").text

    assert [(each["members"], each["added"], each["removed"]) for each in found["sizes"]] == [(13, 12, 0), (11, 0, 1)]
    assert (page.count('class="entered"'), page.count('class="left"')) == (1, 1)
    assert page.count("<polyline") == 1


def test_who_comes_and_goes_and_what_the_guard_lets_pass(world: World, served: Served, unguarded: None) -> None:
    rows = [(VIP, f"u{n}", f"user{n}@example.com") for n in range(4)]
    for turn in range(4):
        world.warehouse.replace(rows if turn % 2 == 0 else rows[1:])
        world.sync()
    world.extra = f"""[[audiences]]
name = "{VIP}"
max_removed_fraction = 0.05
"""
    found = served(world).get("/audiences/vip_buyers.json").json()

    assert [(each["changes"], each["is_in"]) for each in found["flapping"]] == [(4, False)]
    assert (found["limits"]["max_removed_fraction"], found["limits"]["min_removed"]) == (0.05, 100)


def test_a_person_is_found_by_user_id_and_by_email(world: World, served: Served) -> None:
    told(world)
    console = served(world)

    left, stays = (console.get("/person.json", params={"who": who}).json() for who in ("u0", "USER3@example.com "))

    happened = [(row["audience"], row["op"], row["status"]) for row in left["story"]["history"]]
    assert happened == [
        (CHURN, "removed", "held"),
        (VIP, "removed", "succeeded"),
        (CHURN, "added", "succeeded"),
        (VIP, "added", "succeeded"),
    ]
    assert {(row["property"], row["value"]) for row in left["story"]["destinations"][0]["told"]} == {
        ("vip_buyers", False),
        ("churn_risk", True),
    }
    assert [row["audience"] for row in stays["story"]["destinations"][0]["held"]] == [CHURN]


def test_runs_are_chosen_and_turned_over(world: World, served: Served) -> None:
    told(world)
    console = served(world)

    def runs(**chosen: str) -> list[int]:
        return [each["run_id"] for each in console.get("/runs.json", params=chosen).json()["runs"]]

    assert runs() == [2, 1]
    assert runs(status="held") == [2]
    assert runs(before="2") == [1]
    assert runs(destination="segment", audience="vip_buyers", since="2020-01-01") == [2, 1]
    assert runs(destination="other") == runs(audience="other") == runs(until="2020-01-01") == []
    for wrong in (
        {"status": "odd"},
        {"before": "x"},
        {"before": "9" * 30},
        {"since": "yesterday"},
        {"destination": "\0"},
    ):
        assert console.get("/runs.json", params=wrong).status_code == 400
        assert "notice" in console.get("/runs", params=wrong).text


@pytest.mark.parametrize("path", ["/runs/99", "/audiences/nobody", "/other", "/static/other.css", "/runs/x"])
def test_what_is_not_there(path: str, world: World, served: Served) -> None:
    assert served(world).get(path).status_code == 404


def test_before_the_first_run(world: World, served: Served) -> None:
    console = served(world)
    assert "No run has planned anything yet." in shown(console.get("/"))
    assert "There is no such run." in shown(console.get("/runs"))
    assert console.get("/destinations").status_code == 200


def test_an_audience_says_who_is_held_out_and_what_comes_first(world: World, served: Served) -> None:
    world.extra = (
        f'[[priority]]\nname = "life"\naudiences = ["{CHURN}", "vip_buyers"]\n'
        f'[[audiences]]\nname = "{VIP}"\nholdout = 1.0\n'
    )
    world.warehouse.replace([(VIP, "u1", "user1@example.com"), (VIP, "u2", None), (CHURN, "u3", "user3@example.com")])
    world.sync()
    console = served(world)

    audience = console.get("/audiences/vip_buyers.json").json()
    page = shown(console.get("/audiences/vip_buyers"))

    assert (audience["held_out"]["share"], audience["held_out"]["people"]) == (1.0, 2)
    assert audience["precedence"] == {"priority": "life", "before": [CHURN], "after": []}
    assert "Held out 2 since" in page
    assert f"Priority life 2. whoever is in {CHURN} is not told" in page
    assert console.get("/audiences/churn_risk.json").json()["held_out"] is None
    assert "comes first; before vip_buyers" in shown(console.get("/audiences/churn_risk"))
    [destination] = console.get("/runs/1.json").json()["report"]["destinations"]
    assert destination["skipped"] == {"held_out": 2}


def test_a_run_is_shown_when_its_history_is_dropped(
    world: World, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page that leads to a run still does."""
    keep_together(monkeypatch, 2)
    told(world)
    world.sync()
    age(world, up_to_run=2)
    drop_old(world)
    console = served(world)

    last, second, _ = (each["run_id"] for each in console.get("/runs.json").json()["runs"])
    page, dropped = console.get(f"/runs/{second}"), console.get(f"/runs/{second}.json").json()

    assert "What was counted is not kept any more." in shown(page)
    assert "syncer rollback" not in page.text
    assert (dropped["kept"], dropped["held"]) == (False, [])
    assert console.get(f"/runs/{last}.json").json()["kept"]
    for href in set(re.findall(r'href="(/runs/[0-9]+[^"]*)"', page.text)):
        assert console.get(html.unescape(href)).status_code == 200, href


def test_what_a_destination_was_asked_to_believe(world: World, served: Served) -> None:
    told(world)
    console = served(world)
    assert "what it believes" not in shown(console.get("/destinations"))
    for values in ("now(), 12, 12, 2, 1, 1", "NULL, 12, 5, 0, 0, 0"):
        world.query(
            "INSERT INTO reconciliation (destination_id, repairs, scheduled, actor, finished_at, contacts, asked,"
            f" differing, missing, untold) VALUES (1, false, true, 'me', {values}) RETURNING 1"
        )
        page = shown(console.get("/destinations"))
        if "NULL" in values:
            assert "of 5 of 12 contacts so far: what it had accepted." in page
        else:
            assert "of 12 of 12 contacts: of 2 something else than it had accepted" in page
            assert "1 missing, 0 stale, 1 untold, 0 changed by others; 0 made due" in page
