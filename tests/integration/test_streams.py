"""Streams that nobody reads, or that have no room: what becomes of a run does not depend on who hears of it."""

import errno
import io
import json
import os
import subprocess
from collections.abc import Callable

import pytest

from syncer.cli import screen
from tests import commands
from tests.world import VIP, Row, World, members, truth


class Broken(io.TextIOWrapper):
    """Takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def full() -> Broken:
    return Broken(errno.ENOSPC)


def unread() -> Broken:
    return Broken(errno.EPIPE)


@pytest.mark.parametrize("stream", [full, unread], ids=["full", "unread"])
def test_a_run_goes_on_and_is_closed_though_nobody_can_hear_of_it(
    world: World, stream: Callable[[], Broken], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.cli.progress._SECONDS_BETWEEN_LINES", 0.0)
    world.warehouse.replace([*members(3), ("!!!", "u9", "x@x.io")])  # there is something to complain of

    done = commands.call(["--config", str(world.config), "sync", "--json"], stderr=stream())

    assert done.returncode == 8
    assert json.loads(done.stdout)["run_id"] == 1
    assert world.query("SELECT status FROM sync_runs") == [("incomplete",)]
    assert world.believed() == truth(members(3))


def test_whoever_does_not_read_what_is_printed_is_told_nothing_of_it(world: World) -> None:
    for count, command in enumerate(
        ("sync", "sync --json", "plan", "status", "status --watch", "--help", "--version"), 3
    ):
        world.warehouse.replace(members(count))
        done = commands.call(["--config", str(world.config), *command.split()], stdout=unread())
        assert done.returncode == 0, command
        assert "Traceback" not in done.stderr, command


def test_data_that_had_no_room_is_said_and_no_success(world: World) -> None:
    world.warehouse.replace(members(3))
    done = commands.call(["--config", str(world.config), "sync", "--json"], stdout=full())
    assert done.returncode == 1
    assert done.stderr.endswith("error: not all of stdout could be written: No space left on device\n")
    assert world.query("SELECT status FROM sync_runs") == [("succeeded",)]


@pytest.mark.parametrize("stream", [full, unread], ids=["full", "unread"])
def test_nobody_is_forgotten_whose_contacts_could_not_be_printed(world: World, stream: Callable[[], Broken]) -> None:
    world.warehouse.replace(members(3))
    world.sync()
    done = commands.call(["--config", str(world.config), "forget", "u0001@x.io"], stdout=stream())
    assert done.returncode == 1
    assert "nobody was forgotten" in done.stderr
    assert world.query("SELECT count(*) FROM synced_member WHERE contact = 'u0001@x.io'") == [(1,)]


def test_json_is_json_in_every_locale(world: World) -> None:
    rows: list[Row] = [("Café ☕ 😀", "u1", "a@x.io"), (VIP, "u1", "a@x.io")]
    world.warehouse.replace(rows)
    world.extra = '[log]\nformat = "json"\n'
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8"):
        printed, logged = io.BytesIO(), io.BytesIO()
        out, err = (io.TextIOWrapper(each, encoding=encoding, write_through=True) for each in (printed, logged))

        commands.call(["--config", str(world.config), "plan", "--json"], stdout=out, stderr=err)

        assert "Café ☕ 😀" in {each["name"] for each in json.loads(printed.getvalue())["audiences"]}, encoding


def test_a_process_whose_streams_are_closed_or_full(world: World) -> None:
    """One after the other, each of which tells of somebody new."""
    ways = [("2>/dev/full", 0), (">/dev/full", 1), (">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("| true", 0)]
    for runs, (redirected, code) in enumerate(ways, 1):
        world.warehouse.replace(members(runs))
        script = f'"$0" --config "$1" sync --json {redirected}'
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script, commands.SYNCER, str(world.config)],
            capture_output=True,
            text=True,
            timeout=commands.TIMEOUT,
            check=False,
        )
        assert done.returncode == code, (redirected, done.stderr)
        assert "Traceback" not in done.stderr, redirected
        assert "Exception ignored" not in done.stderr, redirected
        assert world.query("SELECT status FROM sync_runs") == [("succeeded",)] * runs, redirected
        assert world.believed() == truth(members(runs)), redirected


def test_consoles_may_be_made_where_there_is_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    for console in screen.consoles():
        console.print("to nobody")
