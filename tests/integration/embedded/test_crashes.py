"""What killed processes leave behind, and how the next command goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir
from tests.integration.embedded.servers import ON_LINUX, PROGRAM, orphaned, postmaster, user, wait_until, word_in


def test_next_command_takes_over_the_server_of_a_killed_one(data_dir: Path) -> None:
    orphan = orphaned(data_dir)
    with embedded.running(data_dir) as url:
        assert word_in(url) == "kept"
        assert postmaster(data_dir) == orphan
    assert not DataDir(data_dir).is_alive()


def test_starts_when_another_process_has_the_pid_of_a_crashed_server(data_dir: Path) -> None:
    with user(data_dir) as (process, _):
        server = DataDir(data_dir).server()
        assert server
        record = (data_dir / "postgres" / "postmaster.pid").read_text()
        process.kill()
        os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not DataDir(data_dir).is_alive())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        stale = record.replace(str(server.pid), str(other.pid), 1)
        (data_dir / "postgres" / "postmaster.pid").write_text(stale)
        (server.socket_folder / ".s.PGSQL.5432.lock").write_text(stale)
        with embedded.running(data_dir) as url:
            assert word_in(url) == "kept"
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


@ON_LINUX
def test_does_not_signal_a_process_that_is_not_the_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ANSWER", 0.2)
    record = data_dir / "postgres" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        context = embedded.running(data_dir)
        context.__enter__()
        true = record.read_text()
        record.write_text(true.replace(true.split()[0], str(other.pid), 1))
        with pytest.raises(errors.StateError, match="cannot be stopped"):
            context.__exit__(None, None, None)
        record.write_text(true)
        assert other.poll() is None
        other.communicate(b"\n")


def test_recovers_from_a_killed_server(data_dir: Path) -> None:
    with embedded.running(data_dir) as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE told SET word = 'committed'")
        os.kill(postmaster(data_dir), signal.SIGKILL)
        wait_until(lambda: not DataDir(data_dir).is_alive())
        with embedded.running(data_dir) as again:
            assert word_in(again) == "committed"
        # The first user is still there, so this server was left to it.
        assert word_in(url) == "committed"
    assert not DataDir(data_dir).is_alive()


def test_leaves_without_a_word_when_the_server_is_dead_already(data_dir: Path) -> None:
    with embedded.running(data_dir):
        os.kill(postmaster(data_dir), signal.SIGKILL)
    assert not DataDir(data_dir).is_alive()


def test_clears_away_half_a_cluster(fresh: Path) -> None:
    (fresh / "postgres.new" / "base").mkdir(parents=True)
    (fresh / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.running(fresh) as url, psycopg.connect(url):
        assert not (fresh / "postgres.new").exists()


@pytest.mark.parametrize("moment", ["postgres.new/PG_VERSION", "postgres.new/base/1", "postgres/postmaster.pid"])
def test_starts_after_the_first_start_was_killed(fresh: Path, moment: str) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(fresh)], stdout=subprocess.DEVNULL) as process:
        wait_until((fresh / moment).exists)
        process.kill()
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_lost_socket_is_named_and_heals(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = orphaned(data_dir)
    server = DataDir(data_dir).server()
    assert server
    (server.socket_folder / ".s.PGSQL.5432").unlink()
    monkeypatch.setattr(embedded, "ANSWER", 0.2)
    with pytest.raises(errors.StateError, match=f"process {orphan}.*does not answer"), embedded.running(data_dir):
        pass
    monkeypatch.undo()
    with embedded.running(data_dir) as url:
        assert word_in(url) == "kept"
