"""`syncer demo` as a stranger meets it: the installed command, a folder, a pipe, and what can be done afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncer.demo.comparison import Difference, compare
from tests import commands

SYNCER = str(Path(sys.executable).with_name("syncer"))
FAST = ("--customers", "200")


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SYNCER_", "PG"))}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SYNCER, *arguments],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def without_times(output: str) -> list[str]:
    return [line for line in output.splitlines() if not line.endswith(" s")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a place")


@pytest.fixture(scope="module")
def told(place: Path) -> subprocess.CompletedProcess[str]:
    """A demo in `place`, in the folder that it chooses by itself."""
    return run(place, "demo", *FAST)


def test_the_story_is_told_and_every_comparison_holds(told: subprocess.CompletedProcess[str]) -> None:
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("segment and shop compared") == 6
    assert told.stdout.count("mailmodo and shop compared") == 5
    assert told.stdout.count(" properties: 0 differences") == 11
    assert (
        told.stdout.count("rules of Segment broken: none") == told.stdout.count("rules of Mailmodo broken: none") == 5
    )
    assert re.search(r"^  \S+@\S+ +.+ false +suppressed$", told.stdout, re.MULTILINE), "the plan shows who, and why"
    assert "who is suppressed, is in no audience" in told.stdout
    assert "✗" not in told.stdout
    assert "Traceback" not in told.stdout + told.stderr


def test_a_pipe_gets_plain_lines_of_a_sensible_width(told: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in told.stdout + told.stderr
    lines = told.stdout.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, lines)) <= 92


def test_the_folder_serves_every_other_command(
    place: Path, told: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place / "syncer-demo")
    runs = json.loads(commands.call(["history", "--json"]).stdout)
    assert [(each["run_id"], each["status"]) for each in runs] == [
        (n, {3: "failed", 6: "held"}.get(n, "succeeded")) for n in (7, 6, 5, 4, 3, 2, 1)
    ]
    first = json.loads(commands.call(["history", "1", "--json"]).stdout)
    assert first["destinations"][0]["succeeded"] > 100

    plan = commands.call(["plan", "--json"])
    assert plan.returncode == 0
    assert json.loads(plan.stdout)["destinations"][0]["planned"] == 0, "everything was told"

    synced = commands.call(["sync", "--json"])
    assert synced.returncode == 0, "there is nothing to send, so it does not matter that the receiver is gone"

    checked = commands.call(["check", "--json"])
    problems: list[Any] = json.loads(checked.stdout)["problems"]
    assert (checked.returncode, [each["path"] for each in problems]) == (2, ["destinations[0]", "destinations[1]"])
    assert "cannot be reached" in problems[0]["message"]


def test_it_starts_over_in_its_own_folder_and_a_seed_tells_the_same_story(
    place: Path, told: subprocess.CompletedProcess[str]
) -> None:
    again = run(place, "demo", *FAST)
    assert again.returncode == 0, again.stderr
    assert without_times(again.stdout) == without_times(told.stdout)
    assert len(json.loads(run(place / "syncer-demo", "history", "--json").stdout)) == 7


def test_another_seed_is_another_shop(tmp_path: Path, told: subprocess.CompletedProcess[str]) -> None:
    other = run(tmp_path, "demo", "--folder", 'it\'s "mine"', *FAST, "--seed", "8")
    assert other.returncode == 0, other.stderr
    assert without_times(other.stdout) != without_times(told.stdout)


def test_the_smallest_shop_has_a_story_too(tmp_path: Path) -> None:
    smallest = run(tmp_path, "demo", "--customers", "10")
    assert smallest.returncode == 0, smallest.stderr


@pytest.mark.parametrize("content", ["mine", "[warehouse]\n"])
@pytest.mark.parametrize("name", ["syncer.toml", "notes.txt"])
def test_a_folder_of_somebody_else_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    refused = commands.call(["demo", "--folder", "taken"])
    assert refused.returncode == 2
    assert "was left as it is" in refused.stderr
    assert [(each.name, each.read_text()) for each in folder.iterdir()] == [(name, content)]


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [SYNCER, "demo", *FAST, "--stay", "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    yield process
    watchdog.cancel()
    process.kill()
    process.communicate()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    pytest.fail(f"ended without {words!r}")


def test_a_shop_that_stays_open_takes_syncs_and_compares_them(tmp_path: Path, staying: subprocess.Popen[str]) -> None:
    folder = tmp_path / "syncer-demo"
    console = read_until(staying, "http://").strip()
    assert "Run 7" in httpx.get(f"{console}runs/7").text
    read_until(staying, "lets a week pass")

    assert run(tmp_path, "demo").returncode == 4, "another demo would take the shop away"
    assert run(folder, "check").returncode == 0
    synced = run(folder, "sync", "--json")
    assert synced.returncode == 0
    assert json.loads(synced.stdout)["destinations"][0]["succeeded"] > 0

    read_until(staying, "Run 8 has ended.")
    assert " 0 differences" in read_until(staying, "compared")
    staying.send_signal(signal.SIGINT)
    assert staying.wait(30) == 0


def test_the_comparison_sees_every_kind_of_difference() -> None:
    truth = {"ada@x.io": frozenset({"VIP buyers"}), "bo@x.io": frozenset({"VIP buyers", "New"}), "cy@x.io": frozenset()}
    belief: dict[str, dict[str, object]] = {
        "ada@x.io": {"vip_buyers": True, "new": False},
        "bo@x.io": {"vip_buyers": "true", "gone": None},
        "old@x.io": {"vip_buyers": True},
    }
    found = compare(truth, belief)
    assert (found.contacts, found.properties) == (4, 3)
    assert found.differences == [
        Difference("bo@x.io", "gone", False, None),
        Difference("bo@x.io", "new", True, False),
        Difference("bo@x.io", "vip_buyers", True, "true"),
        Difference("old@x.io", "vip_buyers", False, True),
    ]
