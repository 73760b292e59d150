"""`syncer daemon` as a process: its cadence, its signals, and who leads when a sibling dies, sleeps or is cut off."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from syncer.receivers.loopback import Answer, Delay
from tests.acceptance.worlds import Gate, read_until
from tests.world import DEADLINE, VIP, World, members, truth, until

OFTEN = '[health]\nlisten = ""\n[schedule]\nevery = "1s"\njitter = "0s"\n'
RARELY = '[health]\nlisten = ""\n[schedule]\nevery = "1h"\njitter = "0s"\n'


class Daemons:
    """Starts daemons, and leaves none behind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: list[subprocess.Popen[str]] = []

    def start(self) -> subprocess.Popen[str]:
        self.started.append(self.world.start("daemon"))
        return self.started[-1]

    def leader(self) -> int | None:
        status = json.loads(self.world.command("status", "--json").stdout)
        return status["leader"]["pid"] if status["leader"] else None

    def end(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.communicate()


@pytest.fixture
def daemons(world: World) -> Iterator[Daemons]:
    world.extra = OFTEN
    daemons = Daemons(world)
    yield daemons
    daemons.end()


def runs(world: World) -> list[Any]:
    return world.query("SELECT trigger, status, scheduled_at FROM sync_runs ORDER BY run_id")


def test_it_runs_again_and_again_and_tells_what_changed(world: World, daemons: Daemons) -> None:
    world.warehouse.replace(members(3))
    process = daemons.start()
    until(lambda: world.believed() == truth(members(3)))
    world.warehouse.replace(members(5))
    until(lambda: world.believed() == truth(members(5)))

    process.send_signal(signal.SIGTERM)
    _, talk = process.communicate(timeout=DEADLINE)

    assert process.returncode == 0, talk
    assert {trigger for trigger, _, _ in runs(world)} == {"schedule"}
    assert all(scheduled_at for _, _, scheduled_at in runs(world))
    assert "@x.io" not in talk
    assert "test-write-key" not in talk


def test_a_first_sync_that_outlasts_intervals_delays_nobody(world: World, daemons: Daemons) -> None:
    """Rule 6: 800 contacts at 100 a second take eight intervals; meanwhile somebody enters, and somebody leaves."""
    world.destination_extra = "max_events_per_second = 100"
    world.warehouse.replace(members(10))
    assert world.command("sync").returncode == 0
    new = [("New Customers", f"n{n:04d}", f"n{n:04d}@x.io") for n in range(800)]
    before = len(world.receiver.events)

    world.warehouse.replace([*members(10), *new])
    process = daemons.start()
    until(lambda: len(world.receiver.events) > before)
    moved = members(11)[1:]
    world.warehouse.replace([*moved, *new])
    until(lambda: len(world.query("SELECT FROM run WHERE phase = 'closed'")) > 3)
    portions = world.query("SELECT deferred FROM run WHERE run_id > 1 AND phase = 'closed' ORDER BY run_id")
    vips = {pair for pair in world.believed() if pair[1] == "vip_buyers"}
    until(lambda: world.believed() == truth([*moved, *new]))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)

    assert vips == truth(moved)
    assert [count for (count,) in portions] == sorted({count for (count,) in portions}, reverse=True)
    assert 0 < portions[-1][0] < portions[0][0] <= 700
    assert world.receiver.duplicates == 0
    assert world.command("verify").returncode == 0


def test_the_schedule_survives_a_restart(world: World, daemons: Daemons) -> None:
    world.extra = RARELY
    process = daemons.start()
    until(lambda: len(runs(world)) == 1 and runs(world)[0][1] == "succeeded")
    until(lambda: world.query("SELECT count(*) FROM schedule WHERE next_due_at > now()") == [(1,)])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE)
    [(due,)] = world.query("SELECT next_due_at FROM schedule")

    again = daemons.start()
    until(lambda: again.poll() is not None or daemons.leader() == again.pid)
    assert again.poll() is None, again.communicate()
    status = json.loads(world.command("status", "--json").stdout)

    assert len(runs(world)) == 1
    assert abs((psycopg_time(status["next_due_at"]) - due).total_seconds()) < 2


def psycopg_time(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


def test_sigterm_in_the_middle_of_a_run(world: World, daemons: Daemons) -> None:
    rows = members(3500)
    world.warehouse.replace(rows)
    gate = Gate(world.receiver, passing=1)
    process = daemons.start()
    gate.wait_for()

    process.send_signal(signal.SIGTERM)
    read_until(process, "stopping")
    gate.open()
    process.communicate(timeout=DEADLINE)

    assert process.returncode == 0
    [(_, status, _)] = runs(world)
    assert status == "interrupted"
    assert len(world.believed()) < len(rows)
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]
    world.extra = ""
    assert world.command("sync").returncode == 0
    assert world.believed() == truth(rows)
    assert world.receiver.duplicates == 0


def test_a_second_signal_ends_it_at_once(world: World, daemons: Daemons) -> None:
    rows = members(2000)
    world.warehouse.replace(rows)
    world.receiver.script = lambda _: Delay(20.0)
    process = daemons.start()
    until(lambda: world.receiver.http.in_progress)

    def ended_by_another_signal() -> bool:
        process.send_signal(signal.SIGTERM)  # two that come before it is looked at are one
        return process.poll() is not None

    until(ended_by_another_signal)
    process.communicate()
    world.receiver.script = None

    assert process.returncode == 128 + signal.SIGTERM
    world.extra = ""
    assert world.command("sync").returncode == 0
    assert world.believed() == truth(rows)


def test_sighup_reads_the_configuration_unless_it_is_wrong(world: World, daemons: Daemons) -> None:
    world.warehouse.replace(members(1))
    process = daemons.start()
    until(lambda: world.believed() == truth(members(1)))
    good = world.config.read_text()
    path = world.folder / "syncer.toml"

    path.write_text(good + "\nnonsense = 1")
    process.send_signal(signal.SIGHUP)
    count = len(runs(world))
    until(lambda: len(runs(world)) > count + 1)
    other = good.replace('table = "members"', 'table = "others"')
    path.write_text(other)
    world.witness.configured(other)
    world.warehouse.run("CREATE TABLE others AS SELECT * FROM members WHERE false")
    world.warehouse.run("INSERT INTO others VALUES (%s, 'u1', 'other@x.io'), (%s, 'u0000', 'u0000@x.io')", [VIP, VIP])
    process.send_signal(signal.SIGHUP)
    until(lambda: ("other@x.io", "vip_buyers") in world.believed())

    process.send_signal(signal.SIGTERM)
    _, talk = process.communicate(timeout=DEADLINE)
    assert "goes on with the one that it had" in talk
    assert "read the configuration again" in talk


def stop_in_a_transaction(world: World, process: subprocess.Popen[str]) -> None:
    """Stops it after a statement that settles pages, before the commit."""
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        assert connection.execute("SELECT FROM sync_page WHERE status = 'sending' FOR UPDATE").rowcount
        until(
            lambda: world.query(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                " AND application_name = 'syncer settling for segment'"
            )
        )
        process.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("fate", ["killed", "stopped", "stopped in a transaction", "cut off"])
def test_another_takes_over(world: World, daemons: Daemons, fate: str) -> None:
    rows = members(2500)  # a page more than are under way at once
    world.receiver.script = lambda _: Delay(1.0)
    one = daemons.start()
    until(lambda: daemons.leader() == one.pid)
    two = daemons.start()
    until(
        lambda: world.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'syncer daemon'"
        )[1:]
    )
    world.warehouse.replace(rows)
    assert world.receiver.wait_for(lambda: world.receiver.http.in_progress > 0, DEADLINE)

    if fate == "killed":
        one.kill()
    elif fate == "stopped":
        one.send_signal(signal.SIGSTOP)
    elif fate == "stopped in a transaction":
        stop_in_a_transaction(world, one)
    else:
        with psycopg.connect(world.state_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'syncer%%'"
            )
    until(lambda: daemons.leader() in ({two.pid} if fate != "cut off" else {one.pid, two.pid}))
    world.receiver.script = None
    until(lambda: world.believed() == truth(rows))
    if fate.startswith("stopped"):
        one.send_signal(signal.SIGCONT)
    world.warehouse.replace(members(2400))
    until(lambda: world.believed() == truth(members(2400)))
    until(lambda: world.query("SELECT count(*) FROM uncertain") == [(0,)])

    for process in (one, two):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE)
            assert process.returncode == 0
    world.extra = ""
    assert world.command("verify").returncode == 0


def test_status_tells_where_everything_stands(world: World, daemons: Daemons) -> None:
    world.extra = ""
    assert json.loads(world.command("status", "--json").stdout)["leader"] is None
    world.warehouse.replace(members(3))
    world.command("sync")

    told = world.command("status")
    found = json.loads(world.command("status", "--json").stdout)

    assert told.returncode == 0
    assert "nobody leads" in told.stdout
    assert "vip_buyers" in told.stdout
    [destination] = found["destinations"]
    assert destination["name"] == "segment"
    assert destination["last_success_at"] is not None
    assert destination["oldest_pending_seconds"] is None
    assert found["audiences"] == [
        {"audience": VIP, "property": "vip_buyers", "destination": "segment", "standing": "synced", "members": 3}
    ]
    assert os.environ.get("SYNCER_CONFIG") is None


# --- what commands ask of it ----------------------------------------------------------------------------------


@pytest.fixture
def idle(world: World, daemons: Daemons) -> subprocess.Popen[str]:
    """A daemon that has run once, and will not run by itself again."""
    world.extra = RARELY
    world.warehouse.replace(members(3))
    process = daemons.start()
    until(lambda: world.believed() == truth(members(3)) and runs(world)[0][1] == "succeeded")
    return process


def test_a_sync_is_handed_to_the_daemon_and_its_run_shown(world: World, idle: subprocess.Popen[str]) -> None:
    world.warehouse.replace(members(5))

    done = world.command("sync", "--json")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["trigger"], report["status"], report["destinations"][0]["succeeded"]) == ("request", "succeeded", 2)
    assert world.believed() == truth(members(5))
    assert world.query("SELECT action, run_id FROM operator_actions") == [("sync", report["run_id"])]
    assert idle.poll() is None


def test_a_resync_and_a_scope_are_handed_over_too(world: World, idle: subprocess.Popen[str]) -> None:
    report = json.loads(world.command("resync", "--destination", "segment", "--json").stdout)
    assert (report["trigger"], report["destinations"][0]["succeeded"]) == ("resync", 3)

    wrong = world.command("sync", "--audience", "Nobody")
    assert wrong.returncode == 2
    assert "there is no audience 'Nobody'" in wrong.stderr


def test_what_the_run_exits_with_is_what_its_command_exits_with(world: World, idle: subprocess.Popen[str]) -> None:
    world.receiver.script = lambda request: (
        Answer(400, apply=0) if any(e["traits"]["email"] == "u0003@x.io" for e in request.events) else None
    )
    world.warehouse.replace(members(5))
    assert world.command("sync").returncode == 8
    world.receiver.script = None

    assert world.command("retry").returncode == 0
    assert world.believed() == truth(members(5))


def test_somebody_is_forgotten_while_a_daemon_leads(
    world: World, daemons: Daemons, idle: subprocess.Popen[str]
) -> None:
    done = world.command("forget", "u0001@x.io", "--yes")

    assert done.returncode == 0, done.stderr
    assert world.query("SELECT count(*) FROM synced_member WHERE contact = 'u0001@x.io'") == [(0,)]
    assert world.query("SELECT count(*) FROM request WHERE audiences::text || destinations::text LIKE '%u0001%'") == [
        (0,)
    ]
    until(lambda: daemons.leader() == idle.pid)


def test_a_request_whose_daemon_dies_is_done_by_the_command_or_by_the_next(
    world: World, daemons: Daemons, idle: subprocess.Popen[str]
) -> None:
    idle.send_signal(signal.SIGSTOP)
    world.warehouse.replace(members(5))
    asking = world.start("sync", "--json")
    until(lambda: world.query("SELECT count(*) FROM request") == [(1,)])
    idle.kill()

    out, talk = asking.communicate(timeout=DEADLINE)

    assert asking.returncode == 0, talk
    assert json.loads(out)["trigger"] == "manual"
    assert world.believed() == truth(members(5))


@pytest.mark.parametrize("begun", [False, True])
def test_a_command_takes_over_from_a_daemon_that_stands_still(
    world: World, idle: subprocess.Popen[str], begun: bool
) -> None:
    """Stopped, it keeps its session, and with it the lock, also in the run that the command asked for."""
    world.warehouse.replace(members(5))
    if begun:
        world.receiver.script = lambda _: Delay(1.0)
    else:
        idle.send_signal(signal.SIGSTOP)
    asking = world.start("sync", "--json")
    if begun:
        until(lambda: world.receiver.http.in_progress)
        idle.send_signal(signal.SIGSTOP)
        world.receiver.script = None

    out, talk = asking.communicate(timeout=DEADLINE)

    assert asking.returncode == 0, talk
    assert json.loads(out)["trigger"] == "manual"
    assert world.believed() == truth(members(5))


def test_an_action_is_recorded_though_the_daemon_is_killed(world: World, idle: subprocess.Popen[str]) -> None:
    world.warehouse.replace(members(5))
    world.receiver.script = lambda _: Delay(20.0)
    with world.start("sync", "--audience", VIP) as asking:
        until(lambda: world.receiver.http.in_progress)
        idle.kill()
        asking.kill()
    world.receiver.script = None
    recorded = ("sync", {"audiences": [VIP], "destinations": []}, 2)
    assert world.query("SELECT action, arguments, run_id FROM operator_actions") == [recorded]


def test_standing_orders_are_obeyed_by_the_next_run(world: World, idle: subprocess.Popen[str]) -> None:
    assert world.command("pause", VIP).returncode == 0
    world.warehouse.replace(members(5))
    world.command("sync")
    assert world.believed() == truth(members(3))
    assert world.command("resume", VIP).returncode == 0
    world.command("sync")
    assert world.believed() == truth(members(5))
