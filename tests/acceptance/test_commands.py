"""The installed command, as a user or a script meets it: what it prints where, and what it exits with."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from syncer.receivers.loopback import Answer, Fault, Hang
from syncer.receivers.segment import ReceivedRequest, Script
from tests.acceptance.worlds import (
    PASSWORD,
    TIMEOUT,
    WRITE_KEY,
    CarefulWorld,
    Gate,
    assert_presentable,
    read_until,
    with_password,
)
from tests.world import Row, World, truth

SYNCER = str(Path(sys.executable).with_name("syncer"))
CHECKOUT = Path(__file__).resolve().parents[2]

ROWS: list[Row] = [
    ("VIP Buyers", "u1", "ann@example.com"),
    ("VIP Buyers", "u2", "bob@example.com"),
    ("Order completed last 30days", "u2", "bob@example.com"),
    ("VIP Buyers", "u3", None),
]
MANY: list[Row] = [("VIP Buyers", f"u{n}", f"user{n}@example.com") for n in range(4000)]

RUN_KEYS = "run_id trigger status started_at finished_at error calls_saved deferred audiences destinations".split()
AUDIENCE_KEYS = "name property members added removed initial held problem".split()
DESTINATION_KEYS = "name status error planned succeeded failed unknown aborted requests retries skipped".split()
AT_ONCE = 10  # seconds; the request in flight would be given up only after 30
NOWHERE = "127.0.0.1:9"  # discard: nobody listens there


@pytest.fixture
def world(world: World) -> World:
    fields = vars(world) | {"state_url": with_password(world.state_url)}
    careful = CarefulWorld(**fields)
    careful.warehouse.url = with_password(careful.warehouse.url)
    careful.warehouse.replace(ROWS)
    return careful


@contextmanager
def running(world: World, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is still running; it does not outlive the block."""
    with world.start(*arguments) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def changed(world: World, **replacements: str) -> str:
    """Another configuration in which the lines of these keys are replaced."""
    text = world.config.read_text()
    for key, line in replacements.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", line.replace("\\", r"\\"), text)
        assert count, key
    path = world.folder / "changed.toml"
    path.write_text(text)
    return str(path)


def refusing(email: str) -> Script:
    """A receiver's script: it refuses every request with this address, and takes nothing of it."""

    def script(request: ReceivedRequest) -> Fault | None:
        has_it = any(event["traits"]["email"] == email for event in request.events)
        return Answer(400, apply=0) if has_it else None

    return script


def the_state(world: World) -> dict[str, int]:
    """How many rows each table of the state has."""
    tables = world.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'syncer'::regnamespace")
    return {table: world.query(f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables}


def assert_contract(report: Any) -> None:
    """The object of `sync --json` and its like: these keys in this order, and counts that add up."""
    assert list(report) == RUN_KEYS
    for audience in report["audiences"]:
        assert list(audience) == AUDIENCE_KEYS
    for destination in report["destinations"]:
        assert list(destination) == DESTINATION_KEYS
        ended = sum(destination[outcome] for outcome in ("succeeded", "failed", "unknown", "aborted"))
        assert report["status"] == "planned" or destination["planned"] == ended
    for key in ("started_at", "finished_at"):
        assert datetime.fromisoformat(report[key]).utcoffset() == timedelta(0)


# --- init and check ----------------------------------------------------------------------------------------


def test_init_writes_the_example_and_never_overwrites(tmp_path: Path) -> None:
    def init() -> subprocess.CompletedProcess[str]:
        return subprocess.run([SYNCER, "init"], cwd=tmp_path, capture_output=True, text=True, check=False)

    first = init()
    written = tmp_path / "syncer.toml"
    assert (first.returncode, first.stdout) == (0, "")
    assert "syncer check" in first.stderr
    assert written.read_text() == (CHECKOUT / "config.example.toml").read_text()

    written.write_text("mine")
    second = init()
    assert (second.returncode, second.stdout) == (2, "")
    assert "syncer.toml: exists already" in second.stderr
    assert written.read_text() == "mine"


def test_check_is_content(world: World) -> None:
    done = world.command("check")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "is fine" in done.stderr
    assert world.json("check") == {"problems": []}
    assert world.receiver.requests == []


def test_check_tells_every_problem_of_the_warehouse_and_the_receiver_at_once(world: World) -> None:
    world.extra = """
[[audiences]]
name = "Queried"
query = "SELECT user_id, mail FROM members"
"""
    config = changed(world, table='table = "membres"', endpoint=f'endpoint = "http://{NOWHERE}"')
    done = world.command("check", "--json", "--config", config)
    assert done.returncode == 2
    found = {problem["path"]: problem["message"] for problem in json.loads(done.stdout)["problems"]}
    assert found.keys() == {"warehouse.membership.table", "audiences[0].query", "destinations[0]"}
    assert "membres" in found["warehouse.membership.table"]
    assert "mail" in found["audiences[0].query"]
    assert NOWHERE in found["destinations[0]"]
    assert all(f"error: {path}: " in done.stderr for path in found)


def test_check_tells_of_a_wrong_column(world: World) -> None:
    world.extra = 'email = "e_mail"'
    done = world.command("check")
    assert done.returncode == 2
    assert "warehouse.membership" in done.stderr
    assert "e_mail" in done.stderr


def test_check_tells_bad_names_and_unreachable_servers_at_once(world: World) -> None:
    world.extra = """
[[audiences]]
name = "!!!"
[[audiences]]
name = "VIP Buyers"
property = "email"
"""
    nowhere = f"postgresql://reader:{PASSWORD}@{NOWHERE}/analytics"
    config = changed(world, url=f'url = "{nowhere}"', endpoint=f'endpoint = "http://{NOWHERE}"')
    done = world.command("check", "--config", config)
    assert done.returncode == 2
    for path in ("audiences[0].name", "audiences[1].property", "warehouse.url", "state.url", "destinations[0]"):
        assert f"error: {path}: " in done.stderr, done.stderr


# --- migrate -----------------------------------------------------------------------------------------------


@pytest.fixture
def unmigrated(world: World, request: pytest.FixtureRequest) -> World:
    world.state_url = with_password(request.getfixturevalue("new_database")())
    return world


def test_a_state_that_does_not_exist_is_refused_until_migrated(unmigrated: World) -> None:
    for command in ("sync", "plan", "history"):
        refused = unmigrated.command(command, "--json")
        assert refused.returncode == 3
        assert "syncer migrate" in refused.stderr
    printed = unmigrated.command("migrate", "--print")
    assert printed.returncode == 0
    assert "CREATE TABLE synced_member" in printed.stdout
    assert unmigrated.command("sync").returncode == 3

    assert unmigrated.command("migrate").returncode == 0
    assert unmigrated.command("migrate", "--print").stdout.strip() == ""
    assert unmigrated.command("sync").returncode == 0


def test_migrate_prints_all_that_it_would_run(unmigrated: World) -> None:
    printed = unmigrated.command("migrate", "--print").stdout
    with psycopg.connect(unmigrated.state_url) as connection:
        connection.execute(printed)
    assert unmigrated.command("sync").returncode == 0


@pytest.mark.parametrize(
    ("statement", "way_out"),
    [
        ("DELETE FROM schema_migration WHERE number = (SELECT max(number) FROM schema_migration)", "syncer migrate"),
        ("INSERT INTO schema_migration (number, name, checksum) VALUES (9999, 'later', 'x')", "pip install -U"),
        ("UPDATE schema_migration SET checksum = 'x' WHERE number = 1", "syncer migrate"),
    ],
    ids=["older", "newer", "changed"],
)
def test_an_older_newer_or_changed_schema_is_refused(world: World, statement: str, way_out: str) -> None:
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        connection.execute(statement)
    refused = world.command("sync", "--json")
    assert refused.returncode == 3
    assert way_out in refused.stderr
    assert world.receiver.requests == []


# --- plan, sync, history -----------------------------------------------------------------------------------


def test_a_plan_sends_and_changes_nothing(world: World) -> None:
    before = the_state(world)
    done = world.command("plan", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
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


# --- options -----------------------------------------------------------------------------------------------


def test_the_configuration_is_found_by_option_environment_or_folder(world: World) -> None:
    def syncer(*arguments: str, **environ: str) -> int:
        return subprocess.run(
            [SYNCER, *arguments], cwd=world.folder, env=os.environ | environ, capture_output=True, check=False
        ).returncode

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


# --- exit codes --------------------------------------------------------------------------------------------


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


# --- signals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_pages_in_flight_end(world: World, number: signal.Signals) -> None:
    world.warehouse.replace(MANY)
    gate = Gate(world.receiver, passing=1)
    with running(world, "sync", "--json") as process:
        gate.wait_for()
        process.send_signal(number)
        said = read_until(process, "stopping")
        gate.open()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert_presentable(stdout + said + stderr)
    report = json.loads(stdout)
    assert_contract(report)
    assert report["status"] == "interrupted"
    (destination,) = report["destinations"]
    assert destination["succeeded"] == world.receiver.event_count == 2500
    assert destination["aborted"] == len(MANY) - 2500

    assert world.command("sync").returncode == 0
    assert world.believed() == truth(MANY)
    assert world.receiver.event_count == len(MANY)


def test_a_signal_while_the_warehouse_is_read_sends_nothing(world: World) -> None:
    with psycopg.connect(world.warehouse.url) as owner:
        owner.execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        with running(world, "sync", "--json") as process:
            read_until(process, "reading the warehouse")
            process.send_signal(signal.SIGTERM)
            stdout, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    report = json.loads(stdout)
    assert_contract(report)
    assert report["status"] == "interrupted"
    assert world.receiver.requests == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(world: World, number: signal.Signals) -> None:
    gate = Gate(world.receiver, passing=0)
    with running(world, "sync", "--json") as process:
        gate.wait_for(1)
        process.send_signal(number)
        read_until(process, "stopping")
        process.send_signal(number)
        assert process.wait(AT_ONCE) == 128 + number
    gate.open()
    assert world.command("sync").returncode == 0
    assert world.believed() == truth(ROWS)


@pytest.mark.parametrize(
    ("command", "recorded"),
    [
        (["sync", "--destination", "segment"], ("sync", {"audiences": [], "destinations": ["segment"]}, 2)),
        (["resync", "--audience", "VIP Buyers"], ("resync", {"audiences": ["VIP Buyers"], "destinations": []}, 2)),
        (["retry"], ("retry", {"who": [], "contacts": 1}, None)),
    ],
    ids=["sync", "resync", "retry"],
)
def test_an_action_is_recorded_though_its_run_is_killed(
    world: World, command: list[str], recorded: tuple[str, Any, int | None]
) -> None:
    world.receiver.script = refusing("bob@example.com")
    assert world.command("sync").returncode == 8
    world.warehouse.replace([*ROWS, ("VIP Buyers", "u4", "dan@example.com")])
    gate = Gate(world.receiver, passing=world.receiver.http.arrived)
    with running(world, *command) as process:
        gate.wait_for(1)
        process.kill()
    gate.open()
    actions = world.query("SELECT action, arguments, run_id FROM operator_actions ORDER BY at")
    assert actions[1:] == [recorded]


# --- bad configurations ------------------------------------------------------------------------------------

NAMES = """
[[audiences]]
name = "VIP-Buyers"
[[audiences]]
name = "VIP Buyers"
[[audiences]]
name = "???"
"""


@pytest.mark.parametrize(
    ("replacements", "expected"),
    [
        ({"write_key": 'write_key = "${NOT_SET}"'}, ["destinations[0].write_key", "NOT_SET", "set it"]),
        ({"type": 'type = "segment"\nwrite_kee = "x"'}, ["destinations[0].write_kee", "write_key"]),
        ({"url": f'url = "postgresq://me:{PASSWORD}@db/x"'}, ["warehouse.url", "state.url", "postgresq"]),
        ({"url": f'url = "me:{PASSWORD}@db"'}, ["warehouse.url", "is not a database URL", "postgresql://"]),
        ({"endpoint": 'endpoint = "api.segment.io"'}, ["destinations[0].endpoint", "api.segment.io", "https://"]),
        ({"endpoint": 'endpoint = "http://api.segment.io"'}, ["destinations[0].endpoint", "allow_http"]),
        ({"type": 'type = "webhooks"'}, ["destinations[0].type", 'must be "segment" or "mailmodo" or "webhook"']),
        ({"table": f'table = "members"{NAMES}'}, ["audiences[1].name", "vip_buyers", "audiences[2].name", "???"]),
        ({"type": "type = "}, ["changed.toml", "is not TOML", "line"]),
    ],
    ids=[
        "unset variable",
        "unknown key",
        "unknown dialect",
        "no URL",
        "no web address",
        "not https",
        "later type",
        "names",
        "not TOML",
    ],
)
def test_a_bad_configuration_is_told_with_place_value_and_way_out(
    world: World, replacements: dict[str, str], expected: list[str]
) -> None:
    done = world.command("sync", "--json", "--config", changed(world, **replacements))
    assert (done.returncode, done.stdout) == (2, "")
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())
    assert [words for words in expected if words not in done.stderr] == [], done.stderr
    assert world.receiver.requests == []


def test_every_problem_of_the_file_and_its_names_is_told_at_once(world: World) -> None:
    config = changed(
        world,
        table=f'table = "members"{NAMES}',
        write_key='write_key = "${NOT_SET}"',
        type='type = "segment"\ntrack = "no"\ntimeout = "soon"',
    )
    done = world.command("check", "--config", config)
    assert done.returncode == 2
    for path in ("write_key", "track", "timeout"):
        assert f"error: destinations[0].{path}: " in done.stderr
    for index in (1, 2):
        assert f"error: audiences[{index}].name: " in done.stderr, done.stderr


def test_no_output_of_a_verbose_failure_holds_a_secret(world: World) -> None:
    done = world.command("-v", "sync", "--config", changed(world, type='type = "segment"\ntimeout = "soon"'))
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    world.receiver.script = lambda _request: Answer(401, {}, f"{WRITE_KEY} is unknown".encode())
    assert world.command("-v", "sync", "--json").returncode == 7
