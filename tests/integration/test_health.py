"""What machines are told of the daemon: alive, ready, and numbers that agree with the history."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncer import web
from syncer.daemon import health
from syncer.daemon.health import Health
from syncer.daemon.lateness import Lookout
from syncer.receivers.loopback import Answer
from syncer.schedule import Cadence
from syncer.state import State
from tests.world import VIP, World


@pytest.fixture
def lookout(world: World) -> Lookout:
    return Lookout(State(world.state_url, "syncer"), Cadence(every=3600, jitter=0), 60)


@pytest.fixture
def watched(lookout: Lookout) -> Health:
    return Health(60, lookout)


@pytest.fixture
def address(world: World, watched: Health) -> Iterator[str]:
    with health.serving("127.0.0.1:0", State(world.state_url, "syncer"), watched) as server:
        yield f"http://{server.address}"


def scraped(address: str) -> dict[tuple[str, ...], float]:
    """Value by name and labels, sorted."""
    answer = httpx.get(f"{address}/metrics")
    assert answer.status_code == 200
    assert "@" not in answer.text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_alive_until_nothing_happens(watched: Health, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.beat()
    assert httpx.get(f"{address}/healthz").status_code == 200
    now = time.monotonic()
    monkeypatch.setattr("syncer.daemon.health.time.monotonic", lambda: now + 61)

    stalled = httpx.get(f"{address}/healthz")

    assert (stalled.status_code, stalled.text) == (503, "nothing happened for 61 seconds\n")


def test_the_room_on_the_disk_of_an_embedded_state_is_scraped(lookout: Lookout, address: str) -> None:
    assert ("syncer_disk_free_bytes",) not in scraped(address), "this one is a server's"
    lookout.room = lambda: 499
    assert scraped(address)[("syncer_disk_free_bytes",)] == 499


def test_ready_when_it_leads_or_stands_by_and_is_not_late(
    world: World, watched: Health, lookout: Lookout, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert httpx.get(f"{address}/readyz").text == "the state has not answered yet\n"
    lookout.look()
    assert "neither leads nor stands by" in httpx.get(f"{address}/readyz").text
    watched.leads(False)
    assert httpx.get(f"{address}/readyz").status_code == 200
    world.warehouse.replace([])
    world.sync()
    monkeypatch.setattr("syncer.daemon.lateness._GRACE_SECONDS", 0.0)
    world.query("UPDATE run SET started_at = started_at - interval '3 hours' RETURNING run_id")

    lookout.look()

    late = httpx.get(f"{address}/readyz")
    assert late.status_code == 503
    assert "no run did its work since" in late.text


def test_numbers_agree_with_the_history(world: World, address: str) -> None:
    before = scraped(address).get(("syncer_request_seconds_count", "segment"), 0)  # of this process
    rows = [(VIP, f"u{n}", f"u{n}@x.io") for n in range(6)]
    world.warehouse.replace([*rows, (VIP, "u9", None)])
    world.receiver.script = lambda request: (
        Answer(400, apply=0) if any(e["traits"]["email"] == "u0@x.io" for e in request.events) else None
    )
    world.sync()
    world.receiver.script = None
    world.warehouse.replace(rows[:3])
    world.sync()

    found = scraped(address)

    for status, count in world.query("SELECT status, count(*) FROM sync_runs GROUP BY status"):
        assert found["syncer_runs_total", status] == count
    [totals] = world.query("SELECT sum(succeeded), sum(failed), sum(requests) FROM sync_run_destinations")
    assert found["syncer_identifies_total", "segment", "succeeded"] == totals[0]
    assert found["syncer_identifies_total", "failed", "segment"] == totals[1]
    assert found["syncer_requests_total", "segment"] == totals[2]
    [changes] = world.query("SELECT sum(num_succeeded_add), sum(num_succeeded_remove) FROM sync_run_counts")
    assert found["syncer_changes_total", "added", "segment", "succeeded", "vip_buyers"] == changes[0]
    assert found["syncer_changes_total", "removed", "segment", "succeeded", "vip_buyers"] == changes[1]
    assert found["syncer_members", "segment", "vip_buyers"] == 3
    assert found["syncer_oldest_pending_seconds", "segment"] == 0
    assert found[("syncer_queue",)] == 0
    requests = sum(row[0] for row in world.query("SELECT requests FROM sync_run_destinations"))
    assert found[("syncer_request_seconds_count", "segment")] - before == requests


def test_the_age_of_what_is_not_delivered(world: World, address: str) -> None:
    world.warehouse.replace([(VIP, "u1", "u1@x.io")])
    world.receiver.script = lambda _: Answer(401)
    world.sync()
    world.receiver.script = None

    assert 0 < scraped(address)["syncer_oldest_pending_seconds", "segment"] < 60
    world.sync()
    assert scraped(address)["syncer_oldest_pending_seconds", "segment"] == 0


def test_a_port_that_is_taken_is_answered_at_when_it_is_free(
    world: World, watched: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_RETRY_SECONDS", 0.05)
    watched.beat()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with health.serving(listen, State(world.state_url, "syncer"), watched) as server:
            assert server.address is None
            taken.close()
            deadline = time.monotonic() + 20
            while server.address is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert httpx.get(f"http://{listen}/healthz").status_code == 200
