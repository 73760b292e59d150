"""A state that was restored from a backup: it is noticed, nothing is sent, and there is a way out."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from psycopg import sql

from syncer import app, errors, opening
from syncer.daemon import alerts, serve
from syncer.destinations import segment
from syncer.receivers.loopback import Fault
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import ReceivedRequest
from syncer.schedule import Cadence
from syncer.state import State, witness
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from syncer.sync import Result, sync
from tests.databases import with_database
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, VIP, Quiet, World, named_members, truth, until

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

    for command in ("sync", "resync", "verify", "plan", "forget a@x.io", "sync"):
        done = restored.command(*command.split())
        assert (done.returncode, done.stdout) == (6, "")
        assert "it does not know run 3" in done.stderr
        assert "`syncer resync --restored`" in done.stderr

    assert restored.receiver.event_count == events
    assert restored.query("SELECT max(run_id) FROM run") == [(1,)]


def test_what_only_shows_the_state_says_that_it_is_not_the_truth(restored: World) -> None:
    for command in ("status", "history", "explain a@x.io"):
        done = restored.command(*command.split(), "--json")
        assert done.returncode == 0, command
        assert "it does not know run 3" in done.stderr, command
        assert json.loads(done.stdout), command


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


def test_what_only_the_destination_knows_is_asked(world: World, backup: Backup) -> None:
    """b entered and left an audience since the backup, so that no resync would ever say so."""
    with MailmodoReceiver("AAAAAAA-BBBBBBB") as mailmodo:
        world.destination_extra += f"""
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "AAAAAAA-BBBBBBB"
list_name = "Audiences"
endpoint = "{mailmodo.url}"
"""
        world.warehouse.replace([*named_members("a", "b"), *named_members("a", audience=CHURN)])
        world.sync()
        copy = backup()
        world.warehouse.replace([*named_members("a", "b"), *named_members("a", "b", audience=CHURN)])
        world.sync()
        world.warehouse.replace([*named_members("a", "b"), *named_members("a", audience=CHURN)])
        world.state_url = copy
        assert world.command("resync", "--restored").returncode == 0
        assert mailmodo.belief["b@x.io"] == {"vip_buyers": True, "churn_risk": True}

        found = json.loads(world.command("reconcile", "mailmodo", "--all", "--repair", "--json").stdout)
        assert world.command("sync").returncode == 0

        assert [(each["contact"], each["kind"]) for each in found["differences"]] == [("b@x.io", "untold")]
        assert mailmodo.belief["b@x.io"] == {"vip_buyers": True, "churn_risk": False}
        assert world.command("reconcile", "mailmodo", "--all").returncode == 0


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


class Messages:
    """Where alerts go. See `channels.Channel`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, title: str, body: str) -> bool:
        self.sent.append((title, body))
        return True

    def beat(self) -> None: ...


def test_a_daemon_sends_nothing_alerts_once_and_takes_the_way_out(restored: World) -> None:
    signals, messages = serve.Signals(), Messages()
    with app.opened(opening.load(restored.config, {})) as opened:
        watcher = alerts.AlertWatcher(opened.state, messages)
        refused = mock.Mock(wraps=watcher.could_not_run)
        watching = mock.Mock(wraps=watcher, could_not_run=refused)
        daemon = (opened.state, opened.job, Cadence(every=0.2, jitter=0.0), signals, [watching])
        served = threading.Thread(target=serve.serve, args=daemon)
        served.start()
        try:
            until(lambda: refused.call_count > 1)
            asked = restored.command("sync")
            taken = restored.command("resync", "--restored")
            until(lambda: "syncer: recovered" in dict(messages.sent))
        finally:
            signals.stop.asked.set()
            served.join(30)
            watcher.close()

    assert (asked.returncode, asked.stdout) == (6, "")
    assert "`syncer resync --restored`" in asked.stderr
    assert taken.returncode == 0, taken.stderr
    assert restored.believed() == truth(named_members("b", "c", "d"))
    (words,) = (body for title, body in messages.sent if title == "syncer: failed")
    assert "`syncer resync --restored`" in words


# --- killed ------------------------------------------------------------------------------------------------------


def is_refused(state_url: str) -> bool:
    with State(state_url, "syncer").connect("test") as connection:
        try:
            witness.check(connection)
        except errors.RestoredError:
            return True
    return False


@pytest.mark.parametrize(
    ("note", "written", "noticed"), [(1, False, False), (1, True, True), (2, False, True), (2, True, True)]
)
def test_killed_around_its_note_a_state_is_not_taken_for_restored_and_a_restored_one_is_noticed(
    world: World, backup: Backup, monkeypatch: pytest.MonkeyPatch, note: int, written: bool, noticed: bool
) -> None:
    """A run leaves two notes: when it is open, before its first call, and when it is closed."""
    world.warehouse.replace(named_members("a", "b"))
    world.sync()
    copy = backup()
    remember, notes = witness.remember, 0

    def killed(connection: psycopg.Connection, run_id: int) -> None:
        nonlocal notes
        notes += 1
        if notes < note or written:
            remember(connection, run_id)
        if notes == note:
            raise Killed

    monkeypatch.setattr(witness, "remember", killed)
    world.warehouse.replace(named_members("b", "c"))
    with pytest.raises(Killed):
        world.sync()
    monkeypatch.setattr(witness, "remember", remember)
    end_sessions(world.state_url)

    assert is_refused(copy) == noticed
    assert not is_refused(world.state_url)
    assert world.sync().report.status == "succeeded"
    assert world.believed() == truth(named_members("b", "c"))


def test_a_backup_of_the_middle_of_a_run_that_was_killed_later_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on for a while after the backup, tells more, and never closes."""
    monkeypatch.setattr(segment, "PAGE_SIZE", 2)
    monkeypatch.setattr("syncer.telling._NOTE_SECONDS", 0.0)
    world.destination_extra = "max_events_per_second = 0\nconcurrency = 1"
    world.warehouse.replace(named_members(*"abcdefgh"))
    points = Points(monkeypatch)
    noted, remember = threading.Event(), witness.remember

    def note(connection: psycopg.Connection, run_id: int) -> None:
        remember(connection, run_id)
        if world.query("SELECT FROM sync_page WHERE status = 'done'")[1:]:
            noted.set()

    def kill() -> None:
        assert noted.wait(30)
        points.kill()

    def receive(request: ReceivedRequest) -> Fault | None:
        if any(event["traits"]["email"] == "g@x.io" for event in request.events):
            kill()
        return None

    monkeypatch.setattr(witness, "remember", note)
    world.receiver.script = receive
    points.watch(None, points.kill)
    with pytest.raises(Killed):
        world.sync()
    points.rest()
    world.receiver.script = None
    end_sessions(world.state_url)

    assert not is_refused(world.state_url)
    world.query("UPDATE sync_page SET status = 'planned' WHERE page > 1 RETURNING 1")
    assert is_refused(world.state_url)


def resync_restored(world: World) -> Result:
    with app.opened(opening.load(world.config, {})) as opened:
        return sync(opened.job(), RunStart("resync", restored=True), Stop(), Quiet())


@pytest.mark.parametrize(
    "point",
    [
        "before skip_run_ids",
        "after open_run",
        "after ask_resync",
        "before show_run_to_note",
        "before warehouse_snapshot",
        "after claim_pages",
    ],
)
def test_a_way_out_that_is_cut_off_leaves_the_state_refused_or_everything_due(
    world: World, backup: Backup, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """a left since the backup, and is back: only a full resync finds out that they were told false."""
    rows = named_members("a", "b", "c")
    world.warehouse.replace(rows)
    world.sync()
    copy = backup()
    world.warehouse.replace(rows[1:])
    world.sync()
    world.state_url = copy
    world.warehouse.replace(rows)
    points = Points(monkeypatch)
    points.watch(point, points.kill)
    with pytest.raises(Killed):
        resync_restored(world)
    points.rest()
    end_sessions(world.state_url)

    done = world.command("sync")

    assert points.reached
    if point in ("before show_run_to_note", "before warehouse_snapshot", "after claim_pages"):
        assert done.returncode == 0
    else:
        assert done.returncode == 6
        assert world.command("resync", "--restored").returncode == 0
    assert world.believed() == truth(rows)
    assert world.in_doubt() == set()


def test_the_way_out_is_open_where_the_clock_of_the_server_goes_behind(restored: World, notes: Path) -> None:
    (note,) = notes.iterdir()
    note.write_text(json.dumps({**json.loads(note.read_text()), "at": "2999-01-01T00:00:00+00:00"}))

    assert restored.command("resync", "--restored").returncode == 0
    assert restored.command("sync").returncode == 0
    assert restored.believed() == truth(named_members("b", "c", "d"))


def test_a_process_that_was_overtaken_does_not_take_the_note_back(world: World, notes: Path) -> None:
    world.warehouse.replace(named_members("a"))
    world.sync()
    world.sync()

    with world.state() as connection:
        witness.remember(connection, 1)

    (note,) = notes.iterdir()
    assert json.loads(note.read_text())["run_id"] == 2
