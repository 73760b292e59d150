"""What `syncer sync` exits with, and what it says, when something is wrong out there."""

import json
import re
import socket

import pytest

from syncer.receivers.loopback import Answer, Hang
from tests.acceptance.commands.configurations import NOWHERE, changed
from tests.acceptance.commands.contract import ROWS, assert_contract
from tests.acceptance.worlds import PASSWORD, TIMEOUT, running
from tests.world import Row, World, truth


def test_a_second_sync_is_told_who_is_syncing(world: World) -> None:
    world.receiver.script = lambda request: Hang() if request.number == 1 else None
    with running(world, "sync", "--json") as first:
        assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 1, TIMEOUT)
        second = world.command("sync", "--json")
        assert second.returncode == 4
        assert f"pid {first.pid}" in second.stderr
        assert f"host {socket.gethostname()}" in second.stderr
        assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", second.stderr)
        for reading in ("plan", "history"):
            assert world.command(reading, "--json").returncode == 0
        world.receiver.release()
        stdout, _ = first.communicate(timeout=TIMEOUT)
    assert first.returncode == 0
    assert json.loads(stdout)["destinations"][0]["retries"] == 1
    assert world.believed() == truth(ROWS)


@pytest.mark.parametrize(
    ("replacements", "words"),
    [
        ({"table": 'table = "membres"'}, "membres"),
        ({"table": 'table = "members"\nemail = "e_mail"'}, "e_mail"),
    ],
    ids=["wrong table", "wrong column"],
)
def test_a_warehouse_that_cannot_be_read_fails_the_run(world: World, replacements: dict[str, str], words: str) -> None:
    done = world.command("sync", "--json", "--config", changed(world, **replacements))
    assert done.returncode == 6
    report = json.loads(done.stdout)
    assert_contract(report)
    assert report["status"] == "failed"
    assert words in report["error"]
    assert words in done.stderr
    assert world.receiver.requests == []


def test_an_unreachable_warehouse_fails_the_run(world: World) -> None:
    text = world.config.read_text()
    path = world.folder / "changed.toml"
    path.write_text(text.replace(world.warehouse.url, f"postgresql://reader:{PASSWORD}@{NOWHERE}/analytics"))
    done = world.command("sync", "--json", "--config", str(path))
    assert done.returncode == 6
    assert json.loads(done.stdout)["status"] == "failed"
    assert "127.0.0.1" in done.stderr
    verbose = world.command("-v", "sync", "--config", str(path))
    assert "Traceback" in verbose.stderr
    assert world.receiver.requests == []


def test_an_unreachable_state_is_unavailable(world: World) -> None:
    path = world.folder / "changed.toml"
    path.write_text(world.config.read_text().replace(world.state_url, f"postgresql://s:{PASSWORD}@{NOWHERE}/syncer"))
    for arguments in (["sync"], ["history"], ["migrate"], ["-v", "plan"]):
        done = world.command(*arguments, "--config", str(path))
        assert (done.returncode, done.stdout) == (6, "")
        assert "127.0.0.1" in done.stderr
        assert ("Traceback" in done.stderr) == ("-v" in arguments)


@pytest.mark.parametrize(
    ("status", "outcome"), [(503, "unknown"), (429, "aborted")], ids=["may have arrived", "did not arrive"]
)
def test_a_receiver_that_is_away_for_long_is_unavailable(world: World, status: int, outcome: str) -> None:
    world.receiver.script = lambda _request: Answer(status, {"Retry-After": "3600"}, b"busy")
    done = world.command("sync", "--json")
    assert done.returncode == 6
    report = json.loads(done.stdout)
    assert_contract(report)
    assert report["destinations"][0][outcome] == 2
    assert str(status) in report["destinations"][0]["error"]
    assert str(status) in done.stderr

    world.receiver.script = None
    assert world.command("sync").returncode == 0
    assert world.believed() == truth(ROWS)


def test_a_wrong_write_key_stops_the_destination(world: World) -> None:
    wrong = "another-wr0ng-key"
    done = world.command("sync", "--json", "--config", changed(world, write_key=f'write_key = "{wrong}"'))
    assert done.returncode == 7
    report = json.loads(done.stdout)
    assert_contract(report)
    assert (report["status"], report["destinations"][0]["aborted"]) == ("failed", 2)
    assert "401" in done.stderr
    assert "write_key" in done.stderr
    assert wrong not in done.stdout + done.stderr
    assert world.receiver.violations
    world.receiver.violations.clear()

    assert world.command("sync").returncode == 0
    assert world.believed() == truth(ROWS)


def test_a_refused_request_is_incomplete(world: World) -> None:
    world.receiver.script = lambda _request: Answer(400, {}, b'{"message": "malformed"}')
    done = world.command("sync", "--json")
    assert done.returncode == 8
    report = json.loads(done.stdout)
    assert_contract(report)
    assert (report["status"], report["destinations"][0]["failed"]) == ("incomplete", 2)
    assert "malformed" in world.command("history", str(report["run_id"])).stdout


def test_a_bad_or_colliding_name_sets_its_audience_aside_only(world: World) -> None:
    bad: list[Row] = [
        ("VIP-Buyers", "u9", "zoe@example.com"),
        ("!!!", "u9", "zoe@example.com"),
        ("Email", "u9", "zoe@example.com"),
    ]
    assert world.command("sync").returncode == 0
    world.warehouse.replace([*ROWS, *bad, ("VIP Buyers", "u4", "dan@example.com")])
    done = world.command("sync", "--json")
    assert done.returncode == 8
    report = json.loads(done.stdout)
    problems = {audience["name"]: audience["problem"] for audience in report["audiences"] if audience["problem"]}
    assert problems.keys() == {"VIP-Buyers", "!!!", "Email"}
    assert "VIP Buyers" in problems["VIP-Buyers"]
    assert report["status"] == "incomplete"
    assert world.believed() == truth([*ROWS, ("VIP Buyers", "u4", "dan@example.com")])


def test_odd_rows_are_listed_and_never_take_a_neighbour_along(world: World) -> None:
    fine: list[Row] = [
        ("VIP Buyers", 'o\'hara "x" \\ % ; --', "o'hara@example.com"),
        ("VIP Buyers", "\U0001f600", "\U0001f600@example.com"),
        ("VIP Buyers", " u7 ", "\u00a0Eve@Example.COM\t"),
        ("VIP Buyers", "x" * 512, "long@example.com"),
    ]
    odd: list[Row] = [
        ("VIP Buyers", None, "a1@example.com"),
        ("VIP Buyers", "  ", "a2@example.com"),
        ("VIP Buyers", "x" * 10_000, "a3@example.com"),
        ("VIP Buyers", "u10", None),
        ("VIP Buyers", "u11", " \t"),
        ("VIP Buyers", "u12", "nobody"),
        ("VIP Buyers", "u13", "a" * 250 + "@example.com"),
        (None, "u14", "a4@example.com"),
        ("  ", "u15", "a5@example.com"),
    ]
    world.warehouse.replace(fine + odd)
    done = world.command("sync", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["destinations"][0]["skipped"] == {
        "no_user_id": 2,
        "user_id_too_long": 1,
        "no_email": 2,
        "invalid_email": 2,
        "no_audience": 2,
    }
    assert world.believed() == truth(fine)
    assert {event.event["userId"] for event in world.receiver.events} == {row[1] for row in fine}
    listed = world.command("history", str(report["run_id"]), "--limit", "100").stdout
    assert all(reason in listed for reason in report["destinations"][0]["skipped"])
