"""A state that was restored from a backup: it is noticed, nothing is sent, and there is a way out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from syncer.state import witness
from tests.databases import with_database
from tests.world import VIP, World, named_members, truth

pytestmark = [
    pytest.mark.fresh_sessions,
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("the state does not know what was told since its backup: that is what it is about"),
]

Backup = Callable[[], str]


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its notes."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "notes"))
    return tmp_path / "notes" / "syncer"


@pytest.fixture
def backup(world: World, postgres: str) -> Iterator[Backup]:
    """Copies the state as it is now; the URL of the copy."""
    made: list[str] = []

    def copy() -> str:
        made.append(f"syncer_backup_{len(made)}")
        original = str(psycopg.conninfo.conninfo_to_dict(world.state_url)["dbname"])
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(made[-1]), sql.Identifier(original)))
        return with_database(world.state_url, made[-1])

    yield copy
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def restored(world: World, backup: Backup) -> World:
    """a left, d came and e came and left since the backup, which is in use again."""
    world.warehouse.replace(named_members("a", "b", "c"))
    world.sync()
    copy = backup()
    world.warehouse.replace(named_members("b", "c", "d", "e"))
    world.sync()
    world.warehouse.replace(named_members("b", "c", "d"))
    world.sync()
    world.state_url = copy
    return world


def test_it_is_refused_and_nothing_is_sent(restored: World) -> None:
    events = restored.receiver.event_count

    for command in ("sync", "resync", "verify", "sync"):
        done = restored.command(command)
        assert (done.returncode, done.stdout) == (6, "")
        assert "it does not know run 3" in done.stderr
        assert "`syncer resync --restored`" in done.stderr

    assert restored.receiver.event_count == events
    assert restored.query("SELECT max(run_id) FROM run") == [(1,)]


def test_the_way_out_tells_everything_again_under_new_numbers(restored: World) -> None:
    events = restored.receiver.event_count

    done = restored.command("resync", "--restored", "--json")

    assert done.returncode == 0, done.stderr
    told = {each.event["traits"]["email"] for each in restored.receiver.events[events:]}
    assert told == {f"{name}@x.io" for name in "abcd"}
    assert restored.believed() == truth(named_members("b", "c", "d"))
    assert restored.query("SELECT min(run_id) > 1000 FROM run WHERE run_id > 1") == [(True,)]
    assert restored.query("SELECT action FROM operator_actions ORDER BY at") == [("restored",), ("resync",)]
    assert restored.verify().differences == 0
    assert restored.command("sync").returncode == 0


def test_other_machines_know_that_it_was_said(
    restored: World, notes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (note,) = notes.iterdir()
    here = note.read_text()
    assert restored.command("resync", "--restored").returncode == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    (tmp_path / "another" / "syncer").mkdir(parents=True)
    (tmp_path / "another" / "syncer" / note.name).write_text(here)

    assert restored.command("sync").returncode == 0


def test_a_run_that_the_backup_has_half_is_noticed(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    world.sync()
    world.query("UPDATE run SET phase = 'planned', status = NULL, finished_at = NULL RETURNING 1")
    assert world.command("sync").returncode == 6


def test_a_number_that_was_used_twice_is_noticed(world: World) -> None:
    world.warehouse.replace(named_members("a"))
    world.sync()
    world.query("UPDATE run SET nonce = gen_random_uuid() RETURNING 1")
    assert world.command("sync").returncode == 6


def test_it_can_be_said_where_nothing_was_noticed(restored: World, notes: Path) -> None:
    for note in notes.iterdir():
        note.unlink()

    assert restored.command("resync", "--restored").returncode == 0

    assert restored.query("SELECT max(run_id) > 1000 FROM run") == [(True,)]
    assert restored.believed() >= truth(named_members("b", "c", "d"))


def test_it_is_about_everything(world: World) -> None:
    done = world.command("resync", "--restored", "--audience", VIP)
    assert done.returncode == 2
    assert "--restored is about everything" in done.stderr


@pytest.mark.parametrize("home", ["/dev/null/nowhere", "relative"])
def test_where_no_note_can_be_kept_check_says_so(world: World, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", home)
    world.warehouse.replace(named_members("a"))

    assert world.command("sync").returncode == 0
    assert world.command("sync").returncode == 0

    assert "would not be noticed" in world.command("check").stderr


@pytest.mark.parametrize("text", ["", "[]", '{"run_id": "x"}', "\udcff"])
def test_a_note_that_cannot_be_read_is_left_aside(world: World, notes: Path, text: str) -> None:
    world.warehouse.replace(named_members("a"))
    world.sync()
    (note,) = notes.iterdir()
    note.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert world.command("sync").returncode == 0

    with world.state() as connection:
        witness.check(connection)
    assert '"run_id": 2' in note.read_text()
