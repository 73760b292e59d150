"""The console while the state's server restarts, or ends what an action does: it says so, and is right afterwards."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from syncer import embedded
from syncer.state import State, migrations
from tests.integration.console.conftest import BEARER, GUARDED, TOKEN, Served, confirmed, reviewed, sent
from tests.integration.test_points import OwnServer
from tests.world import GUARD_FROM_TWO, World, members, until


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    folder: Path = tmp_path_factory.mktemp("server")
    with embedded.running(folder) as url:
        yield OwnServer(folder, url)


def hold(world: World) -> None:
    """Run 2 holds four removals."""
    world.extra = GUARD_FROM_TWO + GUARDED
    for count in (6, 2):
        world.warehouse.replace(members(count))
        world.sync()


@pytest.mark.fresh_sessions
def test_a_restart_meanwhile(own_server: OwnServer, world: World, served: Served) -> None:
    migrations.migrate(State(own_server.url, "syncer"))
    world.state_url = own_server.url
    hold(world)
    console = served(world)
    seen = reviewed(console, "/actions/approve?run=2")
    restarting = threading.Thread(target=own_server.restart)

    restarting.start()
    answers: list[httpx.Response] = []
    while restarting.is_alive() or not answers:
        answers.append(console.get("/now.json"))
        answers.append(console.get("/api/runs/2?wait=1", headers=BEARER))
    restarting.join()

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert any(answer.status_code == 503 for answer in answers)
    assert all("error" in answer.json() for answer in answers if answer.status_code == 503)
    nothing = {"error": "the state cannot be used; the log says more"}
    assert nothing in [answer.json() for answer in answers if answer.status_code == 503]  # without the token
    assert sent(console, "/actions/approve?run=2", token=TOKEN, **seen).status_code == 200
    assert world.query("SELECT action, actor FROM operator_actions") == [("approve", "ops@127.0.0.1")]
    assert console.post("/api/runs", headers=BEARER).status_code == 201
    until(lambda: world.query("SELECT FROM sync_runs WHERE run_id = 3 AND status = 'succeeded'"))


@pytest.mark.fresh_sessions
def test_an_action_whose_session_is_ended_is_not_done(world: World, served: Served) -> None:
    hold(world)
    console = served(world)
    seen = reviewed(console, "/actions/approve?run=2")
    answers = []

    def approve() -> None:
        answers.append(sent(console, "/actions/approve?run=2", token=TOKEN, **seen))

    with psycopg.connect(world.state_url) as other:
        other.execute("SELECT FROM syncer.held_change FOR UPDATE")
        asking = threading.Thread(target=approve)
        asking.start()
        waits = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'syncer console' AND wait_event_type = 'Lock'"
        )
        until(lambda: world.query(waits))
        world.query(f"SELECT pg_terminate_backend(pid) FROM ({waits}) AS waiting")
        asking.join()

    assert [answer.status_code for answer in answers] == [503]
    assert world.query("SELECT count(*) FROM operator_actions") == [(0,)]
    assert confirmed(console, "/actions/approve?run=2").status_code == 200
