"""What people tell syncer to do, through the installed command: exit codes, output, and what comes of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.acceptance.worlds import CarefulWorld
from tests.world import Row, World, Write, truth

VIP, CHURN = "VIP Buyers", "Churn Risk"
ROWS: list[Row] = [*[(VIP, f"u{n}", f"c{n}@x.io") for n in range(300)], (CHURN, "u1", "c1@x.io")]


@pytest.fixture
def world(state: State, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> World:
    return CarefulWorld(tmp_path, Write(new_database()), state.url, receiver)


@pytest.fixture
def told(world: World) -> World:
    """Everybody was told."""
    world.warehouse.replace(ROWS)
    assert world.sync().report.status == "succeeded"
    return world


def test_a_mass_removal_is_held_until_it_is_approved(told: World) -> None:
    told.warehouse.replace(ROWS[200:])
    planned = told.json("plan")
    assert [(each["removed"], each["held"]) for each in planned["audiences"]] == [(0, 0), (0, 200)]

    held = told.command("sync", "--json")
    assert held.returncode == 5
    report = json.loads(held.stdout)
    assert report["status"] == "held"
    assert [(each["name"], each["removed"], each["held"]) for each in report["audiences"]] == [
        (CHURN, 0, 0),
        (VIP, 0, 200),
    ]
    assert f"syncer approve {report['run_id']}" in held.stderr
    assert told.believed() == truth(ROWS)
    assert told.command("verify").returncode == 0

    approved = told.json("approve", str(report["run_id"]))
    assert approved["approved"] == 200
    assert told.believed() == truth(ROWS), "approval sends nothing"

    done = told.command("sync", "--json")
    assert done.returncode == 0
    assert told.believed() == truth(ROWS[200:])
    again = told.command("approve", str(report["run_id"]))
    assert again.returncode == 0
    assert "nothing" in again.stderr


def test_approving_what_there_is_not_names_the_way_out(told: World) -> None:
    for arguments in (("approve", "77"), ("approve", "1", "--audience", "VIP"), ("approve", "1", "--destination", "x")):
        done = told.command(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
    assert "did you mean" in told.command("approve", "1", "--audience", "VIP Buyer").stderr


def test_a_resync_tells_everything_again_and_is_recorded(told: World) -> None:
    told.warehouse.replace(ROWS[1:])
    told.sync()
    before = told.receiver.event_count

    report = told.json("resync")

    assert (report["trigger"], report["status"]) == ("resync", "succeeded")
    assert [(each["added"], each["removed"]) for each in report["audiences"]] == [(0, 0), (0, 0)]
    assert told.receiver.event_count - before == 300, "299 who are in, one who left"
    assert told.believed() == truth(ROWS[1:])
    assert told.query("SELECT action, run_id FROM operator_actions") == [("resync", report["run_id"])]
    assert told.command("resync", "--audience", "VIP Buyer").returncode == 2


def test_retiring_and_resuming_an_audience(told: World) -> None:
    done = told.command("retire", "vip_buyers")
    assert (done.returncode, "300" in done.stderr) == (0, True)
    assert told.command("sync").returncode == 0, "past the guard"
    assert told.believed() == truth(ROWS[300:])

    assert told.command("resume", VIP).returncode == 0
    report = told.json("sync")
    assert [each["initial"] for each in report["audiences"]] == [False, True]
    assert told.believed() == truth(ROWS)
    assert told.command("retire", "nothing like it").returncode == 2


def test_what_is_paused_waits(told: World) -> None:
    told.warehouse.replace([(VIP, "new", "new@x.io"), *ROWS])
    assert "everything" in told.command("pause").stderr
    assert told.json("sync")["destinations"][0]["planned"] == 0
    assert json.loads(told.command("verify", "--json").stdout)["paused"][0]["audience"] is None
    told.command("resume")
    told.command("pause", VIP, "--destination", "segment")
    assert told.json("sync")["destinations"][0]["planned"] == 0
    assert "neither" in told.command("resume", CHURN).stderr
    told.command("resume", VIP)
    assert told.json("sync")["destinations"][0]["succeeded"] == 1
    assert told.command("pause", "--destination", "nowhere").returncode == 2


def test_verify_finds_what_was_tampered_with(told: World) -> None:
    assert told.command("verify").returncode == 0
    told.query("DELETE FROM synced_member WHERE contact = 'c7@x.io' RETURNING contact")

    found = told.command("verify", "--json")

    assert found.returncode == 9
    (destination,) = json.loads(found.stdout)["destinations"]
    assert {(each["why"], each["contact"]) for each in destination["examples"]} == {
        ("missing", "c7@x.io"),
        ("not_in_state", "c7@x.io"),
        ("count", None),
    }
    shown = told.command("verify")
    assert (shown.returncode, "c7@x.io" in shown.stdout) == (9, True)


def test_explain_knows_what_was_told_and_what_waits(told: World) -> None:
    told.warehouse.replace(ROWS[200:])
    told.sync()

    for who in ("u1", " C1@x.io "):
        story = told.json("explain", who)
        assert story["contacts"] == ["c1@x.io"]
        assert [row["audience"] for row in story["warehouse"]] == [CHURN]
        (destination,) = story["destinations"]
        assert {(row["property"], row["value"]) for row in destination["told"]} == {
            ("vip_buyers", True),
            ("churn_risk", True),
        }
        assert [(row["op"], row["waits"]) for row in destination["pending"]] == [("removed", "held")]
        assert [row["audience"] for row in destination["held"]] == [VIP]
    told.warehouse.replace([*ROWS, (VIP, "newcomer", "new@x.io")])
    newcomer = told.json("explain", "newcomer")
    assert newcomer["contacts"] == ["new@x.io"]
    assert [(row["contact"], row["op"], row["waits"]) for row in newcomer["destinations"][0]["pending"]] == [
        ("new@x.io", "added", None)
    ]
    told.warehouse.replace(ROWS[200:])
    shown = told.command("explain", "u1")
    assert shown.returncode == 0
    assert "max_removed_fraction" in shown.stdout
    assert "nothing" in told.command("explain", "stranger@x.io").stdout


def test_forgetting_prints_where_to_erase_and_leaves_no_trace(told: World) -> None:
    done = told.command("forget", "u1")
    assert done.returncode == 0
    assert done.stdout == "segment\tc1@x.io\n"
    assert told.json("explain", "c1@x.io")["forgotten"] is True
    before = told.receiver.event_count
    report = told.json("sync")
    assert report["destinations"][0]["skipped"] == {"forgotten": 2}
    assert told.receiver.event_count == before
    assert told.command("verify").returncode == 0

    told.warehouse.replace(ROWS)
    many = told.command("forget", "-", "--json", typed="c2@x.io\nc3@x.io\n")
    assert json.loads(many.stdout) == {"told": {"segment": ["c2@x.io", "c3@x.io"]}}


def test_retry_needs_somebody_who_was_refused(told: World) -> None:
    done = told.command("retry", "c1@x.io")
    assert (done.returncode, done.stdout) == (2, "")
    assert told.json("retry")["status"] == "succeeded"
