"""A state that cannot be written, or whose sessions are ended by somebody: exit 6, said, and right once it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from syncer import app, opening, sql, sync
from syncer.daemon import serve
from syncer.schedule import Cadence
from syncer.stopping import Stop
from tests.interleaving import Session, watch_statements
from tests.world import World, members, truth, until


@dataclass
class Server:
    """While it is `read_only`, sessions that begin cannot write, as on a standby."""

    read_only: bool = False


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server, real = Server(), sql.query

    def query(name: str) -> str:
        text: str = real(name)
        return text.replace("read_only = off", "read_only = on") if server.read_only else text

    monkeypatch.setattr(sql, "query", query)
    return server


@pytest.mark.parametrize(
    "command",
    [
        ["sync"],
        ["resync", "--yes"],
        ["retry"],
        ["retire", "vip_buyers", "--yes"],
        ["pause"],
        ["forget", "u0001", "--yes"],
    ],
    ids=lambda command: command[0],
)
def test_commands_say_that_the_state_is_read_only(world: World, server: Server, command: list[str]) -> None:
    world.warehouse.replace(members(2))
    world.command("sync")
    before = world.receiver.http.arrived
    server.read_only = True

    done = world.command(*command)

    assert done.returncode == 6, done.stderr
    assert "the state database is read-only now" in " ".join(done.stderr.split())
    assert world.receiver.http.arrived == before


def test_check_and_migrate_say_that_the_state_is_read_only(world: World, server: Server) -> None:
    server.read_only = True
    checked, migrated = world.command("check"), world.command("migrate")
    assert (checked.returncode, migrated.returncode) == (2, 6)
    for done in (checked, migrated):
        assert "the state database is read-only now" in " ".join(done.stderr.split())


def end_sessions(world: World, how: str = "pg_terminate_backend") -> None:
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute(
            f"SELECT {how}(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'syncer%%' AND pid <> pg_backend_pid()"
        )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_daemon_waits_until_the_state_can_be_written_again(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_STAND_BY_SECONDS", 0.05)
    world.warehouse.replace(members(2))
    signals = serve.Signals()
    with app.opened(opening.load(world.config, {})) as opened:
        cadence = Cadence(every=0.2, jitter=0.0)
        served = threading.Thread(target=serve.serve, args=(opened.state, opened.job, cadence, signals))
        served.start()
        try:
            until(lambda: world.believed() == truth(members(2)))
            server.read_only = True
            end_sessions(world)
            world.warehouse.replace(members(3))
            until(lambda: not world.query("SELECT FROM pg_stat_activity WHERE application_name = 'syncer lease'"))
            server.read_only = False
            until(lambda: world.believed() == truth(members(3)))
            assert served.is_alive()
        finally:
            signals.stop.asked.set()
            served.join(30)
    assert not served.is_alive()


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_session_that_is_ended_while_planning_is_no_bug(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_statements(monkeypatch)
    world.warehouse.replace(members(2))
    run = Session(world.sync, ["mark_planned"])
    run.step(lambda: False)
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as other:
        other.execute("SELECT FROM run FOR NO KEY UPDATE")
        run.let_go()
        waiting: Callable[[], object] = lambda: world.query(  # noqa: E731
            "SELECT pid, query_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        until(waiting)
        cancelled = waiting()
        end_sessions(world, how)
        until(lambda: waiting() != cancelled)  # closing the run may wait for the same row
    run.finish()

    assert isinstance(run.result, sync.Result)
    assert sync.exit_code(run.result) == 6
    assert "the state database " in str(run.result.report.error)
    assert "unexpected" not in str(run.result.report.error)
    assert world.receiver.requests == []
    assert sync.exit_code(world.sync(Stop())) == 0
    assert world.believed() == truth(members(2))
