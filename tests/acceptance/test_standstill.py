"""Syncing stands still, and somebody is told: once, by alert, log and `/readyz`; and once when it goes on."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from syncer.receivers.loopback import Delay
from tests import commands
from tests.acceptance.worlds import EmbeddedWorld
from tests.integration.test_alerts import Phone
from tests.integration.test_alerts import phone as phone
from tests.world import DEADLINE, World, members, truth, until


@pytest.fixture
def health(world: World, phone: Phone) -> str:
    """Where a daemon with this configuration answers; it calls a run hung that does not move for two seconds."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world.extra = (
        f'[health]\nlisten = "127.0.0.1:{port}"\n[daemon]\nstall_timeout = "2s"\n'
        f'[schedule]\nevery = "1s"\njitter = "0s"\n[alerts]\n{phone.urls}'
    )
    return f"http://127.0.0.1:{port}"


@contextmanager
def daemon(world: World) -> Iterator[subprocess.Popen[str]]:
    with world.start("daemon") as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Nobody can read the warehouse's table."""
    with psycopg.connect(world.warehouse.url) as other:
        other.execute("LOCK TABLE members")
        yield


def ready(health: str) -> int | None:
    try:
        return httpx.get(f"{health}/readyz").status_code
    except httpx.TransportError:
        return None


def test_a_run_that_hangs_is_told_once_and_ended_once(world: World, phone: Phone, health: str) -> None:
    world.extra += "[console]\nserved = true\n"
    world.warehouse.replace(members(1))
    with daemon(world) as process:
        until(lambda: world.believed() == truth(members(1)) and ready(health) == 200)
        with locked(world):
            until(lambda: ready(health) == 503)
            assert "has not moved for" in httpx.get(f"{health}/readyz").text
            assert "has not moved for" in httpx.get(f"{health}/").text
            assert phone.http.wait_for(lambda: bool(phone.messages), DEADLINE)
        until(lambda: ready(health) == 200)
        assert httpx.get(f"{health}/now.json").json()["standing"]["leader"]["pid"] == process.pid
        assert phone.http.wait_for(lambda: len(phone.messages) == 2, DEADLINE)
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=DEADLINE)
    (late, why), (recovered, what) = phone.heard()
    assert (late, recovered, what) == ("late", "recovered", "no longer late: the daemon")
    assert f"a daemon leads: host {socket.gethostname()}, pid {process.pid}" in why
    assert talk.count('"event": "late"') == 1


def test_who_stands_by_behind_a_command_that_hangs_says_so(world: World, phone: Phone, health: str) -> None:
    world.warehouse.replace(members(1))
    with locked(world):
        extra, world.extra = world.extra, ""
        with world.start("sync") as command:
            until(lambda: world.query("SELECT FROM run"))
            world.extra = extra
            with daemon(world), daemon(world):
                until(lambda: ready(health) == 503)
                assert phone.http.wait_for(lambda: bool(phone.messages), DEADLINE)
                command.kill()
                [(title, why)] = phone.heard()
    assert title == "late"
    assert f"a command leads: host {socket.gethostname()}, pid {command.pid}" in why


def test_a_long_run_that_tells_people_all_the_time_is_neither_late_nor_not_ready(
    world: World, phone: Phone, health: str
) -> None:
    """It takes ten intervals."""
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace(members(5000))
    world.receiver.script = lambda _: Delay(1.0)
    with daemon(world):
        until(lambda: ready(health) == 200)
        until(lambda: len(world.believed()) >= 4000 or ready(health) != 200)
        assert ready(health) == 200
    assert phone.heard() == []


def test_a_run_that_takes_much_longer_than_usual_is_told_once_and_is_ready(
    world: World, phone: Phone, health: str
) -> None:
    # As if it had begun long ago, and still within an interval, so that the end of it is not late as well.
    world.extra = world.extra.replace('every = "1s"', 'every = "1h"')
    world.query(
        "INSERT INTO run (trigger, syncer_version, host, pid, started_at, finished_at, phase, status)"
        " SELECT 'schedule', '', '', 1, now() - interval '3 hours', now() - interval '179 minutes', 'closed',"
        " 'succeeded' FROM generate_series(1, 10) RETURNING run_id"
    )
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace(members(4000))
    world.receiver.script = lambda _: Delay(1.0)
    with daemon(world):
        until(lambda: world.query("SELECT FROM run WHERE phase = 'planned'"))
        world.query(
            "UPDATE run SET started_at = now() - interval '31 minutes' WHERE phase = 'planned' RETURNING run_id"
        )
        assert phone.http.wait_for(lambda: bool(phone.messages), DEADLINE)
        assert ready(health) == 200
        world.receiver.script = None
        assert phone.http.wait_for(lambda: len(phone.messages) == 2, DEADLINE)
    (slow, why), ended = phone.heard()
    assert (slow, ended) == ("slow", ("recovered", "no longer slow: the run"))
    assert "run 11 has been under way for 31 minutes; the last ten took 60 seconds at most" in why


def test_a_server_without_room_on_its_disk_is_told_once_and_at_once(world: World, phone: Phone, health: str) -> None:
    world.extra = world.extra.replace('every = "1s"', 'every = "1h"')
    world.warehouse.replace(members(1))
    with psycopg.connect(world.state_url, autocommit=True) as server:
        server.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE disk_full; END';"
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON syncer.leader EXECUTE FUNCTION no_room();"
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON syncer.alert_turn EXECUTE FUNCTION no_room()"
        )
        with daemon(world):
            assert phone.http.wait_for(lambda: bool(phone.messages), DEADLINE)
            until(lambda: ready(health) == 503)
            assert "no room left on its disk" in httpx.get(f"{health}/readyz").text
            server.execute("DROP FUNCTION no_room CASCADE")
            assert phone.http.wait_for(lambda: len(phone.messages) == 2, DEADLINE)
            until(lambda: ready(health) == 200)
    (failed, why), ended = phone.heard()
    assert (failed, ended) == ("failed", ("recovered", "no longer failed: the run"))
    assert "no run: the state database has no room left on its disk" in why
    assert "make room there" in why


@pytest.mark.not_audited("its state goes with the file system")
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs a file system of its own")
def test_a_disk_that_fills_up_is_told_once(embedded_world: EmbeddedWorld, phone: Phone) -> None:
    world = embedded_world
    world.extra = f'[health]\nlisten = ""\n[alerts]\n{phone.urls}'
    world.data_dir.mkdir(mode=0o700)
    script = 'mount -t tmpfs -o size=300m none "$1" && shift && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(world.data_dir), commands.SYNCER, "--config"]
    with subprocess.Popen([*command, str(world.config), "daemon"], stderr=subprocess.PIPE, text=True) as process:
        told = phone.http.wait_for(lambda: bool(phone.messages), DEADLINE)
        process.terminate()
        _, talk = process.communicate(timeout=DEADLINE)
    if "mount:" in talk or "unshare:" in talk:
        pytest.skip("may not mount")
    assert told, talk
    [(title, why)] = phone.heard()
    assert title == "a disk fills up"
    assert "MB left" in why
