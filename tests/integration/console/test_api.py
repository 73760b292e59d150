"""The API, as a program asks it: what it answers is what its document says."""

import json
import threading
from collections.abc import Iterator
from importlib import resources
from typing import Any

import httpx
import jsonschema
import pytest

from syncer import app, opening
from syncer.console.site import Console
from syncer.daemon import serve
from syncer.receivers.segment import ReceivedRequest
from syncer.schedule import Cadence
from syncer.state import State, leadership
from syncer.web import WebServer
from tests.integration.console.conftest import BEARER, GUARDED, Served
from tests.world import DEADLINE, GUARD_FROM_TWO, World, members, until

DOCUMENT = json.loads((resources.files("syncer.console") / "openapi.json").read_bytes())


class Api:
    """Asks, and compares every answer with the document."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, described: str | None = None, *, token: bool = True) -> httpx.Response:
        answer = self.client.get(path, headers=BEARER if token else {})
        return self._as_described("get", described or path.partition("?")[0], answer)

    def post(self, path: str, body: object = None, *, headers: dict[str, str] = BEARER) -> httpx.Response:
        return self._as_described("post", path, self.client.post(path, json=body or {}, headers=headers))

    def _as_described(self, method: str, path: str, answer: httpx.Response) -> httpx.Response:
        said = DOCUMENT["paths"][path][method]["responses"]
        assert str(answer.status_code) in said, (path, answer.status_code, answer.text)
        response = said[str(answer.status_code)]
        if "$ref" in response:
            response = DOCUMENT["components"]["responses"][str(answer.status_code)]
        schema = response["content"]["application/json"]["schema"]
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        jsonschema.validate(answer.json(), {**schema, "components": DOCUMENT["components"]})
        return answer


@pytest.fixture
def held(world: World) -> World:
    """Run 2 held four removals."""
    world.extra = GUARD_FROM_TWO + GUARDED
    world.warehouse.replace(members(6))
    world.sync()
    world.warehouse.replace(members(2))
    world.sync()
    return world


@pytest.fixture
def api(held: World, served: Served) -> Api:
    return Api(served(held))


def test_every_page_answers_what_is_described(api: Api) -> None:
    pages = [path for path in DOCUMENT["paths"] if path.endswith(".json") and not path.startswith("/actions/")]
    for path in pages:
        there = path.replace("{run}", "2").replace("{property}", "vip_buyers")
        there = there.replace("/lists/{what}", "/lists/held").replace("{what}", "accepted")
        for token in (True, False):
            assert api.get(f"{there}?destination=segment", path, token=token).status_code == 200
        if "{property}" in path:
            assert api.get("/audiences/nobody.json", path).status_code == 404
    assert api.get("/runs/99.json", "/runs/{run}.json").status_code == 404
    assert api.get("/lists/held.json", "/lists/{what}.json").status_code == 400


def test_every_review_answers_what_is_described(api: Api) -> None:
    for name, subject in {
        "approve": "run=2",
        "pause": "",
        "resume": "audiences=vip_buyers",
        "retire": "audience=vip_buyers",
        "retry": "",
        "sync": "",
        "resync": "audiences=vip_buyers&destinations=segment",
    }.items():
        review = api.get(f"/actions/{name}.json?{subject}")
        assert (review.status_code, review.json()["action"]) == (200, name)
    assert api.get("/actions/approve.json?run=99").status_code == 422
    assert api.get("/actions/approve.json").status_code == 400


def test_what_a_program_does_is_done_and_recorded(held: World, api: Api) -> None:
    digest = api.get("/actions/approve.json?run=2").json()["digest"]

    assert api.post("/api/approve", {"run": 2, "digest": "other"}).status_code == 409
    approved = api.post("/api/approve", {"run": 2, "destinations": ["segment"]})
    assert api.post("/api/approve", {"run": 2, "digest": digest}).status_code == 409
    assert (approved.status_code, approved.json()["count"]) == (200, 4)
    assert api.post("/api/pause", {"audiences": ["vip_buyers"]}).status_code == 200
    assert api.post("/api/resume", {"audiences": ["vip_buyers"]}).json()["count"] == 1
    assert api.post("/api/retire", {"audience": "vip_buyers"}).json()["count"] == 6
    assert held.query("SELECT action, actor, uid FROM operator_actions ORDER BY at") == [
        (name, "ops@127.0.0.1", None) for name in ("approve", "pause", "resume", "retire")
    ]


NO_QUESTIONS = (
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b'{"run": "2"}', 400),
    (b'{"run": 2, "other": 1}', 400),
    (b'{"run": 2, "audiences": ["\\u0000"]}', 400),
    (b'{"run": 2, "audiences": ["\\ud800"]}', 400),
    (b'{"run": 2, "audiences": ["\xff"]}', 400),
    (b"[" * 60_000, 400),
    (b'{"run": 99999999999}', 400),
    (b'{"run": 99}', 422),
    (b'{"run": 2, "audiences": ["nobody"]}', 422),
    (b'{"run": 2, "destinations": ["nowhere"]}', 422),
)


def test_what_is_no_question(api: Api) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    for body, status in NO_QUESTIONS:
        answer = api.client.post("/api/approve", content=body, headers=headers)
        assert (answer.status_code, list(answer.json())) == (status, ["error"]), (body[:50], answer.text)


@pytest.mark.parametrize("blank", [b" ", b"\r\n", b"\x0c", b"\x0b\t"])
def test_a_body_of_blanks_is_no_question_though_nothing_need_be_asked(api: Api, blank: bytes) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    assert api.client.post("/api/pause", content=blank, headers=headers).status_code == 400
    assert api.client.post("/api/pause", content=b"", headers=headers).status_code == 200


def test_the_type_of_a_body_may_be_spelled_in_any_case(api: Api) -> None:
    headers = {**BEARER, "Content-Type": "Application/JSON; charset=utf-8"}
    assert api.client.post("/api/pause", content=b"{}", headers=headers).status_code == 200


def test_without_the_token_nothing_is_done(held: World, api: Api) -> None:
    for path in (path for path, item in DOCUMENT["paths"].items() if "post" in item):
        assert api.post(path, headers={}).status_code == 401
        assert api.post(path, headers={"Authorization": "Bearer no"}).status_code == 401
        forged = {**BEARER, "Origin": "https://evil.example"}
        assert api.post(path, headers=forged).status_code == 403
        assert api.client.get(path).status_code == 405
    assert held.query("SELECT count(*) FROM operator_actions") == [(0,)]
    assert api.get("/api/runs/1?wait=1", "/api/runs/{run}", token=False).status_code == 401


def test_a_run_without_a_daemon_is_made_here_and_waited_for(held: World, api: Api) -> None:
    begun = api.post("/api/runs", {"destinations": ["segment"]})
    assert (begun.status_code, begun.json(), begun.headers["location"]) == (201, {"run_id": 3}, "/api/runs/3")

    ended = api.get("/api/runs/3?wait=60", "/api/runs/{run}").json()

    assert ended["report"]["status"] == "held"
    assert api.post("/api/resync", {"audiences": ["vip_buyers"]}).json() == {"run_id": 4}
    assert api.get("/api/runs/4?wait=60", "/api/runs/{run}").json()["report"]["trigger"] == "resync"
    assert held.query("SELECT action, actor, uid, run_id FROM operator_actions ORDER BY at") == [
        ("sync", "ops@127.0.0.1", None, 3),
        ("resync", "ops@127.0.0.1", None, 4),
    ]
    assert api.post("/api/runs", {"destinations": ["nowhere"]}).status_code == 422
    assert api.get("/api/runs/9?wait=5", "/api/runs/{run}").status_code == 404
    assert api.get("/api/runs/3?wait=61", "/api/runs/{run}").status_code == 400


@pytest.mark.fresh_sessions
def test_who_waits_for_a_run_holds_nothing(held: World, api: Api) -> None:
    sends, goes_on = threading.Event(), threading.Event()

    def slowly(_: ReceivedRequest) -> None:
        sends.set()
        assert goes_on.wait(DEADLINE)

    held.approve(2)
    held.receiver.script = slowly
    assert api.post("/api/runs").json() == {"run_id": 3}
    assert sends.wait(DEADLINE)
    answers: list[httpx.Response] = []
    waiters = [
        threading.Thread(target=lambda: answers.append(api.get("/api/runs/3?wait=50", "/api/runs/{run}")))
        for _ in range(10)
    ]
    for waiter in waiters:
        waiter.start()
    try:
        sessions = "SELECT FROM pg_stat_activity WHERE application_name = 'syncer console'"
        until(lambda: held.query(sessions))  # they look
        until(lambda: not held.query(sessions))  # and look away
        busy = api.post("/api/runs")
        assert (busy.status_code, busy.json()["run_id"]) == (409, 3)
        assert api.get("/runs/3.json", "/runs/{run}.json").json()["report"]["finished_at"] is None
        assert (answers, all(waiter.is_alive() for waiter in waiters)) == ([], True)
    finally:
        goes_on.set()
        for waiter in waiters:
            waiter.join(DEADLINE)
    assert [answer.json()["report"]["status"] for answer in answers] == ["succeeded"] * 10


def test_who_syncs_is_said(held: World, api: Api) -> None:
    state = State(held.state_url, "syncer")
    with state.connect("test") as connection, leadership.lead(state, connection):
        busy = api.post("/api/runs")
    assert busy.status_code == 409
    said: dict[str, Any] = busy.json()
    assert (said["leader"]["kind"], said["run_id"]) == ("command", None)
    assert "syncs since" in said["error"]


@pytest.fixture
def daemon(held: World) -> Iterator[World]:
    """Leads, and does what it is asked for."""
    signals = serve.Signals()
    with app.opened(opening.load(held.config, {})) as opened:
        arguments = (opened.state, opened.job, Cadence(every=3600, jitter=0.0), signals)
        served = threading.Thread(target=serve.serve, args=arguments)
        served.start()
        try:
            until(lambda: held.query("SELECT FROM leader WHERE kind = 'daemon'"))
            yield held
        finally:
            signals.stop.asked.set()
            served.join(DEADLINE)


def test_a_daemon_that_leads_makes_the_run(daemon: World, api: Api) -> None:
    begun = api.post("/api/runs")
    assert (begun.status_code, begun.json()) == (201, {"run_id": 3})
    ended = api.get("/api/runs/3?wait=60", "/api/runs/{run}").json()
    assert (ended["report"]["trigger"], ended["report"]["status"]) == ("request", "held")
    assert api.post("/api/retry", {}).json() == {"run_id": 4}
    assert api.get("/api/runs/4?wait=60", "/api/runs/{run}").status_code == 200
    assert [row[:3] for row in daemon.query("SELECT action, actor, uid FROM operator_actions ORDER BY at")] == [
        ("sync", "ops@127.0.0.1", None),
        ("retry", "ops@127.0.0.1", None),
        ("sync", "ops@127.0.0.1", None),
    ]


def test_a_console_in_a_daemon_that_stands_by_makes_no_run(held: World) -> None:
    with app.opened(opening.load(held.config, {})) as opened:
        server = WebServer("127.0.0.1:0", Console(opened).page)
        server.open()
        thread = threading.Thread(target=server.keep)
        thread.start()
        try:
            answer = httpx.post(f"http://{server.address}/api/runs", headers=BEARER, timeout=DEADLINE)
        finally:
            server.close()
            thread.join(DEADLINE)
    assert (answer.status_code, answer.json()) == (503, {"error": "no process leads yet; ask again in a moment"})


def test_the_document_is_served(api: Api) -> None:
    assert api.get("/openapi.json").json() == DOCUMENT
