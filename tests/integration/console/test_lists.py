"""The lists behind the numbers: everybody is in one, once, a part at a time; as a page, as JSON and as CSV."""

import csv
import io
from typing import Any

import httpx
import pytest

from syncer.console.places import Places
from syncer.console.views import lists
from tests.integration.console.conftest import Served
from tests.world import CHURN, GUARD_FROM_TWO, VIP, World

SEGMENT = {"destination": "segment"}


def parts(console: httpx.Client, path: str, **chosen: str) -> list[list[dict[str, Any]]]:
    """The rows of every part of a list."""
    found, place = [], None
    while True:
        asked = {**SEGMENT, **chosen, **({"from": place} if place else {})}
        answer = console.get(path + ".json", params=asked)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["rows"])
        place = answer.json()["next"]
        if place is None:
            return found


def everybody(console: httpx.Client, path: str, **chosen: str) -> list[str]:
    """The users of a list, in its order."""
    return [row["user_id"] for part in parts(console, path, **chosen) for row in part]


def people(count: int) -> list[str]:
    return sorted(f"u{n}" for n in range(count))


@pytest.fixture
def told(world: World) -> World:
    """120 were told; then one audience is emptied and held, one contact is refused, and somebody has no address."""
    world.extra = GUARD_FROM_TWO
    rows = [(VIP, f"u{n}", f"user{n:03}@example.com") for n in range(120)]
    world.warehouse.replace([*rows, *((CHURN, f"u{n}", f"user{n:03}@example.com") for n in range(60))])
    world.sync()
    world.warehouse.replace(
        [*rows, (VIP, "nobody", None), (VIP, "wrong", "no address"), (VIP, "new", "new@example.com")]
    )
    world.sync()
    return world


def test_every_number_leads_to_who_that_is(told: World, served: Served) -> None:
    console = served(told)
    [pipeline] = console.get("/now.json").json()["pipelines"]

    assert (pipeline["members"], pipeline["unchanged"], pipeline["skipped"]) == (
        123,
        120,
        {"invalid_email": 1, "no_email": 1},
    )
    assert (pipeline["planned"], pipeline["succeeded"], pipeline["held"]) == (1, 1, 60)
    assert sorted(everybody(console, "/lists/held")) == people(60)
    assert sorted(everybody(console, "/lists/skipped")) == ["nobody", "wrong"]
    assert everybody(console, "/lists/skipped", reason="no_email") == ["nobody"]
    assert everybody(console, "/runs/2/accepted") == ["new"]
    assert len(everybody(console, "/lists/members", told_before="2")) == 180
    assert sorted(everybody(console, "/lists/members", audience="vip_buyers")) == sorted([*people(120), "new"])
    for empty in ("/lists/refused", "/lists/uncertain", "/runs/2/refused", "/runs/2/unsent", "/runs/2/planned"):
        assert everybody(console, empty) == []


def test_a_page_has_links_to_the_next_and_to_files(told: World, served: Served) -> None:
    console = served(told)
    page = console.get("/lists/members", params=SEGMENT).text

    assert page.count("<tr>") == 1 + lists.ROWS_OF_A_PAGE
    assert [len(part) for part in parts(console, "/lists/members")] == [50, 50, 50, 31]
    assert "Next page" in page
    assert "/lists/members.csv?destination=segment" in page
    assert "example.com" not in page


def test_parts_that_find_nothing_go_on(told: World, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_ROWS_READ", 7)
    console = served(told)

    found = parts(console, "/lists/members", told_before="2", audience="churn_risk")
    assert max(len(part) for part in found) <= 7
    assert sorted(row["user_id"] for part in found for row in part) == people(60)
    for path, count in (("/runs/1/accepted", 180), ("/lists/skipped", 2), ("/lists/held", 60)):
        assert len(everybody(console, path)) == count
    assert parts(console, "/runs/1/accepted", audience="churn_risk")[-1] == []


def test_a_file_has_all_and_no_formulas(world: World, served: Served) -> None:
    world.warehouse.replace([(VIP, f"=u{n:03}", f"user{n:03}@example.com") for n in range(60)])
    world.sync()
    answer = served(world).get("/lists/members.csv", params=SEGMENT)

    head, *rows = csv.reader(io.StringIO(answer.text))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert head[:4] == ["contact", "user_id", "audience", "property"]
    assert [row[:2] for row in rows] == [["u***@e***", f"'=u{n:03}"] for n in range(60)]
    assert "link" not in answer.headers


def test_a_long_file_says_where_it_goes_on(told: World, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "ROWS_OF_A_FILE", 100)
    console = served(told)
    first = console.get("/lists/members.csv", params=SEGMENT)
    rest = console.get(first.links["next"]["url"])

    assert len(first.text.splitlines()) == 101
    assert len(rest.text.splitlines()) == 82
    assert "link" not in rest.headers


def test_what_was_refused_has_the_receivers_words(world: World, served: Served) -> None:
    world.warehouse.replace([(VIP, f"u{n}", f"user{n}@example.com") for n in range(30)])
    world.sync()
    with world.state() as connection:
        connection.execute(
            "INSERT INTO sync_exception (run_id, destination_id, page, contact, part, outcome, reason, http_status)"
            " SELECT run_id, destination_id, page, contact, part, 'failed', 'no such <b>mailbox</b>', 400"
            " FROM sync_change WHERE contact < 'user2'"
        )
    console = served(world)

    [refused] = parts(console, "/runs/1/refused")
    assert {row["reason"] for row in refused} == {"no such <b>mailbox</b>"}
    assert {str(row["properties"]) for row in refused} == {"{'vip_buyers': True}"}
    assert len(refused) + len(everybody(console, "/runs/1/accepted")) == 30
    assert "no such &lt;b&gt;mailbox&lt;/b&gt;" in console.get("/runs/1/refused", params=SEGMENT).text
    [why] = console.get("/runs/1.json").json()["refusals"]
    assert (why["calls"], len(why["examples"])) == (len(refused), 10)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/lists/held", {}),
        ("/lists/held", {"destination": "segment", "from": "abc"}),
        ("/lists/members", {"destination": "segment", "told_before": "x"}),
        ("/lists/members", {"destination": "segment", "told_before": ["1", "2"]}),
        ("/lists/refused", {"destination": "segment", "told_before": "1"}),
        ("/lists/parked", {"destination": "segment", "audience": "vip_buyers"}),
        ("/lists/skipped", {"destination": "segment", "told_before": "x"}),
        ("/runs/1/refused", {"destination": "segment", "reason": "no email"}),
        ("/runs", {"state": "held"}),
        ("/runs", {"before": "0" * 11 + "9" * 11}),
        ("/runs", {"before": "0" * 5000}),
        ("/runs", {"since": "20260131"}),
        ("/runs", {"until": "2026-02-30"}),
        ("/runs", {"status": ["held", "failed"]}),
        ("/person", {"who": ["u1", "u2"]}),
        ("/api/runs/1", {"wait": ["0", "x"]}),
        ("/api/runs/1", {"wait": "0" * 5000}),
    ],
)
def test_what_is_no_question(path: str, asked: dict[str, str | list[str]], world: World, served: Served) -> None:
    """Also what would be passed over in silence: the page would seem to answer it."""
    world.sync()
    assert served(world).get(path, params=asked).status_code == 400


def test_a_place_of_another_list_is_none(told: World, served: Served) -> None:
    console = served(told)
    place = console.get("/lists/members.json", params=SEGMENT).json()["next"]
    assert console.get("/lists/skipped.json", params={**SEGMENT, "from": place}).status_code == 400


def test_places_are_forgotten_in_turn() -> None:
    places = Places(most=2)
    names = [places.name([f"user{n}@example.com", n]) for n in range(3)]

    assert [places.find(name) for name in names] == [None, ["user1@example.com", 1], ["user2@example.com", 2]]
    assert places.name(["user2@example.com", 2]) == names[2]
    assert not any("user" in name for name in names)
