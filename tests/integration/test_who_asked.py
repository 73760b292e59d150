"""Who asked for what people ordered: not whom the environment names, and not the daemon that did it for them."""

import os
import pwd
import socket
import threading
from collections.abc import Iterator
from unittest import mock

import psycopg
import pytest
import sqlalchemy

from syncer import app, opening
from syncer.daemon import serve
from syncer.schedule import Cadence
from syncer.state.asking import Asker
from tests.world import GUARD_FROM_TWO, World, members, until

HOST = socket.gethostname()
NOBODY = 4_100_000_000
"""The number of no account."""


def asked(world: World) -> list[tuple[str, str, int, str]]:
    return world.query("SELECT action, actor, uid, database_user FROM operator_actions ORDER BY at")


def role(world: World) -> str:
    return str(world.query("SELECT session_user")[0][0])


@pytest.fixture
def held(world: World) -> World:
    """Run 2 held removals."""
    world.extra = GUARD_FROM_TWO
    world.warehouse.replace(members(6))
    world.sync()
    world.warehouse.replace(members(2))
    world.sync()
    return world


def test_what_the_environment_says_is_not_believed(held: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "ceo")

    assert held.command("approve", "2").returncode == 0

    account = f"{pwd.getpwuid(os.getuid()).pw_name}@{HOST}"
    assert asked(held) == [("approve", account, os.getuid(), role(held))]


def test_an_account_without_a_name_can_do_everything(held: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    for name in ("HOME", "LOGNAME", "USER", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    done = {
        command: held.command(*command.split()).returncode
        for command in ("approve 2", "pause", "resume", "sync", "resync", "forget u0001@x.io")
    }
    assert set(done.values()) == {0}, done
    assert {each[1:] for each in asked(held)} == {(f"{NOBODY}@{HOST}", NOBODY, role(held))}
    assert [each[0] for each in asked(held)] == [command.split()[0] for command in done]


@pytest.fixture
def daemon(world: World) -> Iterator[None]:
    """Leads, and does what it is asked for."""
    signals = serve.Signals()
    with app.opened(opening.load(world.config, {})) as opened:
        arguments = (opened.state, opened.job, Cadence(every=3600, jitter=0.0), signals)
        served = threading.Thread(target=serve.serve, args=arguments)
        served.start()
        try:
            until(lambda: world.query("SELECT FROM sync_runs WHERE finished_at IS NOT NULL"))
            yield
        finally:
            signals.stop.asked.set()
            served.join(30)


@pytest.mark.usefixtures("daemon")
def test_what_a_daemon_does_for_somebody_is_theirs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The asker is kept with the request: another account, and another role of the database."""
    somebody = f"asker_{os.getpid()}"
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {somebody} LOGIN SUPERUSER PASSWORD 'secret'")
    try:
        url = sqlalchemy.make_url(world.state_url).set(username=somebody, password="secret")
        monkeypatch.setattr(world, "state_url", url.render_as_string(hide_password=False))
        with mock.patch("syncer.state.handover.this_process", return_value=Asker("ada@elsewhere", 501)):
            assert [world.command(command).returncode for command in ("sync", "resync")] == [0, 0]
    finally:
        monkeypatch.undo()
        with psycopg.connect(world.state_url, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {somebody}")
    assert asked(world) == [(command, "ada@elsewhere", 501, somebody) for command in ("sync", "resync")]
