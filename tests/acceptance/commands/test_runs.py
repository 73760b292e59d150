"""`syncer plan`, `sync` and `history`, and the options that say what they are about."""

import json
import os
from unittest import mock

import pytest

from tests import commands
from tests.acceptance.commands.contract import ROWS, assert_contract
from tests.world import World, truth


def the_state(world: World) -> dict[str, int]:
    """How many rows each table of the state has."""
    tables = world.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'syncer'::regnamespace")
    return {table: world.query(f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables}


def test_a_plan_sends_and_changes_nothing(world: World) -> None:
    before = the_state(world)
    done = world.command("plan", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    [forecast] = plan.pop("forecast")
    assert list(forecast) == ["destination", "calls", "events", "requests", "seconds", "strangers"]
    assert_contract(plan)
    assert (plan["run_id"], plan["status"]) == (None, "planned")
    assert [destination["planned"] for destination in plan["destinations"]] == [2]
    assert plan["destinations"][0]["skipped"] == {"no_email": 1}
    assert world.receiver.requests == []
    assert the_state(world) == before


def test_a_run_and_its_history_in_json(world: World) -> None:
    done = world.command("sync", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert_contract(report)
    assert (report["status"], report["trigger"], report["error"]) == ("succeeded", "manual", None)
    assert [
        (audience["name"], audience["property"], audience["members"], audience["added"], audience["initial"])
        for audience in report["audiences"]
    ] == [
        ("Order completed last 30days", "order_completed_last_30days", 1, 1, True),
        ("VIP Buyers", "vip_buyers", 3, 2, True),
    ]
    (destination,) = report["destinations"]
    assert (destination["planned"], destination["succeeded"], destination["requests"]) == (2, 2, 1)
    assert report["calls_saved"] == 1
    assert world.believed() == truth(ROWS)

    assert world.json("history", str(report["run_id"])) == report
    (run,) = world.json("history")
    assert (run["run_id"], run["status"]) == (report["run_id"], "succeeded")

    nothing = world.json("sync")
    assert_contract(nothing)
    assert nothing["destinations"][0]["planned"] == 0
    assert [run["run_id"] for run in world.json("history", "--limit", "1")] == [nothing["run_id"]]

    unknown = world.command("history", "999", "--json")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "no run 999" in unknown.stderr


def test_people_get_tables_on_stdout_and_talk_on_stderr(world: World) -> None:
    synced = world.command("sync")
    assert "vip_buyers" in synced.stdout
    assert "vip_buyers" not in synced.stderr
    assert "delivering" in synced.stderr
    assert "delivering" not in synced.stdout
    assert "no_email" in world.command("history", "1").stdout
    assert "succeeded" in world.command("history").stdout
    assert world.command("plan").stdout != ""


def test_the_configuration_is_found_by_option_environment_or_folder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.folder)

    def syncer(*arguments: str, **environ: str) -> int:
        with mock.patch.dict(os.environ, environ):
            return commands.call(arguments).returncode

    good = str(world.config.rename(world.folder / "good.toml"))
    bad = str(world.folder / "bad.toml")
    assert syncer("history") == 2
    assert syncer("--config", good, "history") == 0
    assert syncer("--config", bad, "history", "--config", good) == 0
    assert syncer("--config", good, "history", "--config", bad) == 2
    assert syncer("history", SYNCER_CONFIG=good) == 0
    assert syncer("history", "--config", bad, SYNCER_CONFIG=good) == 2
    assert syncer("history", SYNCER_CONFIG="good.toml") == 0
    assert world.config.exists()  # asking for it writes it to ./syncer.toml
    assert syncer("history") == 0


def test_only_one_audience_or_destination(world: World) -> None:
    one = world.json("sync", "--audience", "VIP Buyers", "--destination", "segment")
    assert [audience["name"] for audience in one["audiences"]] == ["VIP Buyers"]
    assert world.believed() == truth(ROWS[:2])
    by_property = world.json("plan", "--audience", "order_completed_last_30days")
    assert [audience["added"] for audience in by_property["audiences"]] == [1]


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_an_unknown_audience_or_destination_is_refused(world: World, command: str) -> None:
    audience = world.command(command, "--audience", "VIP Byers")
    assert audience.returncode == 2
    assert "VIP Byers" in audience.stderr
    assert "VIP Buyers" in audience.stderr
    destination = world.command(command, "--destination", "segmnt", "--json")
    assert (destination.returncode, destination.stdout) == (2, "")
    assert "segmnt" in destination.stderr
    assert "segment" in destination.stderr
    assert world.receiver.requests == []


def test_a_wrong_option_is_a_usage_error(world: World) -> None:
    done = world.command("sync", "--audiense", "x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--audience" in done.stderr


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "²", "1e3", ""])
@pytest.mark.parametrize(
    "asked",
    [
        *(["plan", "--people"], ["demo", "--customers"], ["explain", "u1", "--limit"], ["verify", "--limit"]),
        ["reconcile", "segment", "--sample"],
    ],
)
def test_a_number_that_cannot_be_is_a_usage_error(world: World, asked: list[str], number: str) -> None:
    done = world.command(*asked, number)
    assert (done.returncode, done.stdout) == (2, "")
    assert asked[-1] in done.stderr
