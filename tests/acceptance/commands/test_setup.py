"""`syncer init`, `check` and `migrate`."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from syncer import encryption
from tests import commands
from tests.acceptance.commands.configurations import NOWHERE, changed
from tests.acceptance.worlds import PASSWORD, with_password
from tests.world import World

EXAMPLE = Path(__file__).resolve().parents[3] / "config.example.toml"


def test_init_writes_the_example_and_never_overwrites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = commands.call(["init"])
    written = tmp_path / "syncer.toml"
    assert (first.returncode, first.stdout) == (0, "")
    assert "syncer check" in first.stderr
    assert written.read_text() == EXAMPLE.read_text()

    written.write_text("mine")
    second = commands.call(["init"])
    assert (second.returncode, second.stdout) == (2, "")
    assert "syncer.toml: exists already" in second.stderr
    assert written.read_text() == "mine"


def test_check_is_content(world: World) -> None:
    done = world.command("check")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "is fine" in done.stderr
    assert world.json("check") == {"problems": []}
    assert world.receiver.requests == []


def test_check_says_if_a_database_can_be_overheard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "is_loopback", lambda host: False)
    monkeypatch.setattr(psycopg.ConnectionInfo, "hostaddr", property(lambda _: "10.0.0.7"))
    done = world.command("check")
    assert done.returncode == 0
    for path in ("warehouse.url", "state.url"):
        assert f"note: {path}: the connection to 10.0.0.7 is not encrypted" in done.stderr


def test_check_and_status_show_the_version_of_an_embedded_state(world: World, tmp_path: Path) -> None:
    text = world.text.replace(f'url = "{world.state_url}"', f'data_dir = "{tmp_path / "state"}"')
    (tmp_path / "embedded.toml").write_text(text)
    said = [commands.call(["--config", str(tmp_path / "embedded.toml"), command]) for command in ("check", "status")]
    for done in said:
        assert done.returncode == 0, done.stderr
        assert re.search(
            r"the embedded PostgreSQL is \d+\.\d+, which came with", " ".join((done.stdout + done.stderr).split())
        )
    assert "state: PostgreSQL " in world.command("status").stdout
    assert world.json("status")["embedded"] is False


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
