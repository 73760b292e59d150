"""What asks the warehouse: only a click does, once at a time; and what it says is what the command says."""

import json
import threading

import httpx
import pytest
from structlog.testing import capture_logs

from syncer.console.errands import Errands
from syncer.console.views import plans
from syncer.receivers.segment import ReceivedRequest
from syncer.state import State
from tests.integration.console.conftest import BEARER, GUARDED, TOKEN, Served, sent
from tests.integration.console.test_pages import shown, told
from tests.world import DEADLINE, VIP, World


def asked(console: httpx.Client, path: str) -> httpx.Response:
    answer = sent(console, path)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_plan_is_made_by_a_click_and_is_that_of_the_command(world: World, served: Served) -> None:
    told(world)
    world.warehouse.run("INSERT INTO members VALUES ('VIP Buyers', 'new', 'new@example.com')")
    console = served(world)

    assert console.get("/plan.json").json() == {
        "asked_at": None, "ended_at": None, "plan": None, "sorry": None, "busy": False,
    }  # fmt: skip
    page = asked(console, "/plan")
    plan = console.get("/plan.json").json()["plan"]

    said = json.loads(world.command("plan", "--json").stdout)
    [foreseen] = said.pop("forecast")
    for each in (plan["report"], said):
        del each["started_at"], each["finished_at"]
    assert plan["report"] == said
    [sending] = plan["sending"]
    assert (sending["calls"], sending["requests"]) == (foreseen["calls"], foreseen["requests"]) == (1, 1)
    assert sending["events"] == foreseen["events"]
    assert [(each["user_id"], each["values"]) for each in sending["people"]] == [("new", {"vip_buyers": True})]
    assert "n***@e***" in shown(page)
    assert "new@example.com" not in page.text


def test_an_address_in_a_form_is_one_all_the_same(world: World, served: Served) -> None:
    world.extra = GUARDED
    world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "hook"
type = "webhook"
url = "{world.receiver.url}"
content_type = "application/x-www-form-urlencoded"
[destinations.templates.changed]
body = "email={{{{ email }}}}"
"""
    world.warehouse.replace([(VIP, "u1", "ada@example.com")])
    console = served(world)
    page = asked(console, "/plan").text
    assert "email=a***@e***" in page
    assert "example.com" not in page + console.get("/plan.json").text
    assert "email=ada%40example.com" in console.get("/plan.json", headers=BEARER).text


def test_the_bytes_of_a_plan_are_those_that_are_sent(world: World, served: Served) -> None:
    world.extra = GUARDED
    world.warehouse.replace([(VIP, f"u{n}", f"user{n}@example.com") for n in range(30)])
    console = served(world)
    asked(console, "/plan")
    [sending] = console.get("/plan.json", headers=BEARER).json()["plan"]["sending"]

    came: list[ReceivedRequest] = []
    world.receiver.script = came.append
    world.sync()

    planned, [sent_events] = json.loads(sending["body"])["batch"], [request.events for request in came]
    assert sending["body_bytes"] == len(sending["body"].encode()) == world.receiver.requests[0].size
    for event in (*planned, *sent_events):
        del event["messageId"], event["timestamp"]
    assert planned == sent_events


def test_a_person_is_looked_up_in_the_warehouse_by_a_click_only(world: World, served: Served) -> None:
    told(world)
    world.warehouse.run("INSERT INTO members VALUES ('VIP Buyers', 'new', 'new@example.com')")
    console = served(world)

    assert console.get("/person.json?who=new").json()["asked"] is False
    page = asked(console, "/person?who=new")
    found = console.get("/person.json?who=new").json()

    said = json.loads(world.command("explain", "new", "--json").stdout)
    assert found["asked"] is True
    assert [row["audience"] for row in found["story"]["warehouse"]] == [row["audience"] for row in said["warehouse"]]
    assert [row["op"] for row in found["story"]["destinations"][0]["pending"]] == ["added"]
    assert "by the next run" in shown(page)
    assert console.get("/person.json?who=u3").json()["asked"] is False, "that was asked about somebody else"


def test_who_wants_to_see_addresses_asks_for_nothing_else(world: World, served: Served) -> None:
    world.extra = GUARDED
    world.warehouse.replace([(VIP, "u1", "user1@example.com")])
    console = served(world)

    assert "Make the plan" in sent(console, "/plan", token=TOKEN).text
    asked(console, "/plan")
    made_at = console.get("/plan.json").json()["asked_at"]
    seen = sent(console, "/plan", token=TOKEN)
    assert "user1@example.com" in seen.text
    assert sent(console, "/plan", token="wrong").status_code == 401
    assert console.get("/plan.json").json()["asked_at"] == made_at


def test_a_warehouse_that_is_away_is_said(world: World, served: Served) -> None:
    told(world)
    console = served(world)
    world.warehouse.run("ALTER TABLE members RENAME TO elsewhere")
    try:
        pages = [asked(console, "/plan"), asked(console, "/person?who=u3")]
    finally:
        world.warehouse.run("ALTER TABLE elsewhere RENAME TO members")
    for page in pages:
        assert "members" in shown(page)
        assert 'role="alert"' in page.text


def test_one_thing_is_asked_at_a_time(world: World, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    told(world)
    console = served(world)
    going_on = threading.Event()
    monkeypatch.setattr(plans, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(plans, "make", lambda *_: going_on.wait(DEADLINE))

    first, again, other = asked(console, "/plan"), asked(console, "/plan"), asked(console, "/person?who=u3")
    going_on.set()

    assert "is being read" in shown(first)
    assert "is being read" in shown(again)
    assert "somebody else asks the warehouse just now" in shown(other)


def test_what_takes_too_long_is_ended(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncer.console.errands._MOST_SECONDS", 0.1)
    monkeypatch.setattr("syncer.console.errands._CANCEL_SECONDS", 0.1)

    def work(watched: State) -> None:
        with watched.connect("test") as connection:
            connection.execute("SELECT pg_sleep(60)")

    errands = Errands(state)
    errand = errands.begin("slow", work)

    assert errand is not None
    assert errand.done.wait(DEADLINE)
    assert errand.sorry is not None
    assert "was ended" in errand.sorry
    assert errands.begin("other", lambda _: "an answer") is not None


def test_where_the_state_is_learns_who_reads_the_log_and_not_whoever_looks() -> None:
    errands = Errands(State("postgresql://nobody@127.0.0.1:9/x", "syncer"))

    def work(away: State) -> None:
        with away.connect("test"):
            pass

    with capture_logs() as logged:
        errand = errands.begin("what", work)
        assert errand is not None
        assert errand.done.wait(DEADLINE)

    assert errand.sorry == "the state cannot be used; the log says more"
    assert ["127.0.0.1" in each["error"] for each in logged] == [True]


def test_an_answer_is_not_kept_for_long(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    errands = Errands(state)
    errand = errands.begin("what", lambda _: "an answer")
    assert errand is not None
    assert errand.done.wait(DEADLINE)
    assert errands.find("what") is errand
    monkeypatch.setattr("syncer.console.errands._KEPT_SECONDS", -1.0)
    assert errands.find("what") is None
