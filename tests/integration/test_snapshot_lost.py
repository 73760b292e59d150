"""A snapshot that is not whole is never taken for "everybody left", wherever the warehouse is read from.

Nothing is held here (`unguarded`), so that nothing but the whole snapshot keeps people from being told that they left.
"""

import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

from syncer import embedded, errors, models, sync
from syncer.embedded.data_dir import DataDir
from syncer.planning import staging
from syncer.receivers.segment import SegmentReceiver
from tests.acceptance.worlds import EmbeddedWorld, FileWrite
from tests.integration.lives.mortal import Gone, Mortal
from tests.world import Row, World, Write, truth

pytestmark = pytest.mark.usefixtures("unguarded")

PEOPLE: list[Row] = [("VIP Buyers", f"u{n:04d}", f"user{n:04d}@example.com") for n in range(1500)]
REST = PEOPLE[3:]


@pytest.fixture(params=["staged", "in one database"])
def any_world(request: pytest.FixtureRequest) -> World:
    """A world in which everybody was told, in both ways of reading."""
    name = "world" if request.param == "staged" else "world_in_one_database"
    world: World = request.getfixturevalue(name)
    return told(world)


def told(world: World) -> World:
    world.warehouse.replace(PEOPLE)
    assert world.sync().report.status == "succeeded"
    return world


def assert_nobody_left(world: World, broken: World | None = None) -> None:
    """The run that lost its snapshot tells nobody anything."""
    events = world.receiver.event_count
    try:
        result = (broken or world).sync()
    except errors.StateError:
        pass  # the snapshot was lost together with the state: nobody was left to say how the run ended
    else:
        assert result.report.status == "failed"
        assert sync.exit_code(result) == 6
    assert world.receiver.event_count == events
    assert world.query("SELECT count(*) FROM synced_member") == [(len(PEOPLE),)]


def assert_next_run_is_right(world: World) -> None:
    """Nobody was forgotten: the next one tells just those who left since."""
    events = world.receiver.event_count
    world.warehouse.replace(REST)
    assert world.sync().report.status == "succeeded"
    assert world.receiver.event_count == events + len(PEOPLE) - len(REST)
    assert world.believed() == truth(REST)
    assert world.verify().differences == 0


# --- the warehouse breaks off ------------------------------------------------------------------------------------

TRAP = """
CREATE TABLE trap (deed text);
CREATE FUNCTION passes(user_id text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF user_id = 'u1400' THEN
        CASE (SELECT deed FROM trap)
            WHEN 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid());
            WHEN 'cancel' THEN PERFORM pg_cancel_backend(pg_backend_pid());
            WHEN 'time out' THEN PERFORM pg_sleep(1);  -- longer than the statement may, not than the auditor looks
            WHEN 'raise' THEN RAISE 'out of luck';
            ELSE NULL;
        END CASE;
    END IF;
    RETURN true;
END $$;
ALTER TABLE members RENAME TO kept_members;
CREATE VIEW members AS SELECT * FROM kept_members WHERE passes(user_id);
"""
RELEASE = "DROP VIEW members; ALTER TABLE kept_members RENAME TO members"


@pytest.mark.parametrize("deed", ["terminate", "cancel"])
def test_the_reading_is_broken_off_in_the_middle(any_world: World, deed: str) -> None:
    broken_off(any_world, deed)


def test_the_view_fails_in_the_middle(world: World) -> None:
    broken_off(told(world), "raise")


def test_the_view_fails_in_the_middle_of_the_plan(world_in_one_database: World) -> None:
    broken_off(told(world_in_one_database), "raise")


def broken_off(any_world: World, deed: str) -> None:
    any_world.warehouse.run(TRAP)
    any_world.warehouse.run("INSERT INTO trap VALUES (%s)", [deed])

    assert_nobody_left(any_world)

    any_world.warehouse.run(RELEASE)
    assert_next_run_is_right(any_world)


@pytest.mark.fresh_sessions
def test_the_reading_takes_longer_than_its_statement_may(any_world: World) -> None:
    any_world.warehouse.run(TRAP)
    any_world.warehouse.run("INSERT INTO trap VALUES ('time out')")
    name = sqlalchemy.make_url(any_world.warehouse.url).database
    any_world.warehouse.run(f"ALTER DATABASE {name} SET statement_timeout = '300ms'")
    try:
        assert_nobody_left(any_world)
    finally:
        any_world.warehouse.run(f"ALTER DATABASE {name} RESET statement_timeout")
    any_world.warehouse.run(RELEASE)
    assert_next_run_is_right(any_world)


class Cutter:
    """A way to a server that ends after a number of bytes from it, over all connections: TCP, unlike the server."""

    def __init__(self, url: str) -> None:
        parsed = psycopg.conninfo.conninfo_to_dict(url)
        host, port = str(parsed.get("host", "localhost")), int(parsed.get("port") or 5432)
        self._target: Any = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        self._family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.passed = 0
        self.limit: int | None = None
        self._start(self._accept)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def url_of(self, url: str) -> str:
        parsed = sqlalchemy.make_url(url)
        parsed = parsed.set(host="127.0.0.1", port=self.port).difference_update_query(["host", "port"])
        return parsed.render_as_string(hide_password=False)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(self._family)
                server.connect(self._target)
                self._open += [client, server]
                self._start(self._pump, client, server, False)
                self._start(self._pump, server, client, True)

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if counted:
                    data = self._allowed(data)
                sink.sendall(data)
                if counted and self.limit is not None and self.passed >= self.limit:
                    self._cut()
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _allowed(self, data: bytes) -> bytes:
        with self._lock:
            if self.limit is not None:
                data = data[: max(0, self.limit - self.passed)]
            self.passed += len(data)
            return data

    def _cut(self) -> None:
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()


@pytest.fixture
def cutter(postgres: str) -> Iterator[Cutter]:
    with closing(Cutter(postgres)) as cutter:
        yield cutter


def test_the_connection_is_cut_anywhere(any_world: World, cutter: Cutter) -> None:
    """Also right before the server's last words, which say that this was all."""
    broken = replace(any_world, warehouse=through(cutter, any_world.warehouse))
    if any_world.warehouse.url == any_world.state_url:
        broken.state_url = cutter.url_of(any_world.state_url)
    assert broken.sync().report.status == "succeeded"
    whole = cutter.passed
    for part in (0.05, 0.3, 0.6, 0.9, 0.97, 1 - 60 / whole, 1 - 1 / whole):
        cutter.passed, cutter.limit = 0, int(part * whole)
        events = any_world.receiver.event_count
        with suppress(errors.StateError):
            broken.sync()
        assert any_world.receiver.event_count == events
        assert any_world.query("SELECT count(*) FROM synced_member") == [(len(PEOPLE),)]
    cutter.limit = None
    assert_next_run_is_right(any_world)


def through(cutter: Cutter, warehouse: Write) -> Write:
    return warehouse.through(cutter.url_of(warehouse.url))


@pytest.mark.parametrize("missing", [1, len(PEOPLE)])
def test_rows_are_lost_on_the_way_into_the_state(world: World, monkeypatch: pytest.MonkeyPatch, missing: int) -> None:
    told(world)
    real = staging._stage_piece

    def lossy(connection: Any, *piece: Any) -> staging.Travelled:
        arrived = real(connection, *piece)
        connection.execute("DELETE FROM snapshot_member WHERE user_id < %s", [f"u{missing:04d}"])
        return arrived._replace(rows=arrived.rows - missing)

    with monkeypatch.context() as patched:
        patched.setattr(staging, "_stage_piece", lossy)
        assert_nobody_left(world)
    assert_next_run_is_right(world)


# --- the database restarts ---------------------------------------------------------------------------------------


@pytest.fixture
def embedded_world(
    tmp_path: Path, receiver: SegmentReceiver, new_database: Callable[[str], str]
) -> Iterator[EmbeddedWorld]:
    world = EmbeddedWorld(tmp_path, Write(new_database("template0")), "", receiver)
    yield world
    if world.data_dir.is_dir() and DataDir(world.data_dir).is_alive():
        with suppress(errors.StateError), embedded.running(world.data_dir):
            pass


def kill_server(world: EmbeddedWorld) -> None:
    server = DataDir(world.data_dir).server()
    assert server
    os.kill(server.pid, signal.SIGKILL)


def test_the_state_restarts_between_staging_and_planning_and_between_runs(
    embedded_world: EmbeddedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A staging table that survived would be empty, as every table that is not logged is after a crash."""
    world = embedded_world
    real = staging.stage

    def stage_and_restart(*arguments: Any) -> staging.Travelled:
        travelled = real(*arguments)
        kill_server(world)
        return travelled

    told(world)
    events = world.receiver.event_count
    with monkeypatch.context() as patched:
        patched.setattr(staging, "stage", stage_and_restart)
        with suppress(errors.StateError):
            assert world.sync().report.status == "failed"
    assert world.receiver.event_count == events
    with suppress(errors.StateError), embedded.running(world.data_dir):
        assert world.query("SELECT count(*) FROM synced_member") == [(len(PEOPLE),)]
        assert world.sync().report.status == "succeeded"
        kill_server(world)  # and once more, with nobody at work
    assert world.receiver.event_count == events
    with embedded.running(world.data_dir):
        assert world.sync().report.status == "succeeded"
        assert world.receiver.event_count == events
        assert_next_run_is_right(world)


# --- a warehouse in a file ---------------------------------------------------------------------------------------


@contextmanager
def after_some_rows(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[None]:
    """Something happens to the file while it is being read: when its first rows have come."""
    real = staging._stage_piece

    def watched(rows: Any) -> Iterator[Any]:
        for number, row in enumerate(rows):
            if number == 10:
                happens()
            yield row

    def stage(connection: Any, stream: Any, *more: Any) -> staging.Travelled:
        assert isinstance(stream, models.RowStream)
        return real(connection, replace(stream, rows=watched(stream.rows)), *more)

    with monkeypatch.context() as patched:
        patched.setattr(staging, "_stage_piece", stage)
        yield


def test_a_sqlite_file_that_changes_while_it_is_read(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is replaced is read to its end all the same, as it was."""
    path, other = tmp_path / "shop.db", tmp_path / "other.db"
    people: list[Row] = [("VIP Buyers", f"u{n:05d}", f"user{n:05d}@example.com") for n in range(12_000)]
    world.warehouse = FileWrite(f"sqlite:///{path}", lambda: sqlite3.connect(path))
    world.warehouse.replace(people)
    FileWrite(f"sqlite:///{other}", lambda: sqlite3.connect(other)).replace(people[:1])
    assert world.sync().report.status == "succeeded"
    kept, events = path.read_bytes(), world.receiver.event_count

    for happens, status in (
        (lambda: os.truncate(path, 40_000), "failed"),
        (lambda: os.truncate(path, 0), "failed"),
        (lambda: other.replace(path), "succeeded"),
    ):
        with after_some_rows(monkeypatch, happens):
            result = world.sync()

        assert result.report.status == status
        assert world.receiver.event_count == events
        assert world.query("SELECT count(*) FROM synced_member") == [(len(people),)]
        path.write_bytes(kept)


# --- an answer that a crash swallows ------------------------------------------------------------------------------


@pytest.mark.fresh_sessions
def test_told_true_the_answer_lost_in_a_crash_then_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ann is told true, the process is gone before it knows, and Ann leaves before the next run: she is told false."""
    mortal = Mortal(monkeypatch)
    world.warehouse.replace(PEOPLE[:1])
    world.sync()
    world.warehouse.replace([*PEOPLE[:1], ("VIP Buyers", "ann", "ann@example.com")])

    def answer(_request: object) -> None:
        mortal.last = mortal.steps  # whatever comes next does not

    world.receiver.script = answer
    mortal.last = 10_000
    with pytest.raises(Gone):
        world.sync()
    mortal.last, world.receiver.script = None, None
    assert world.receiver.belief["ann@example.com"] == {"vip_buyers": True}
    assert world.query("SELECT count(*) FROM synced_member") == [(1,)]

    world.warehouse.replace(PEOPLE[:1])
    result = world.sync()

    assert result.report.status == "succeeded"
    assert world.receiver.belief["ann@example.com"] == {"vip_buyers": False}
    assert world.query("SELECT count(*) FROM uncertain") == [(0,)]
    assert world.query("SELECT op, status FROM sync_changelog WHERE contact = 'ann@example.com' ORDER BY run_id") == [
        ("added", "unknown"),
        ("removed", "succeeded"),
    ]
    events = world.receiver.event_count
    world.sync()
    assert world.receiver.event_count == events
